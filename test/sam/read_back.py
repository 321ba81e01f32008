"""What deployed stacks have become, as the services tell it: read_back.py STACK ...; JSON on stdout, by stack.

Each stack has a function of its own name.
"""

import ast
import functools
import json
import sys

import boto3

client = functools.cache(boto3.client)


def role_of(arn):
    name = arn.split("/")[-1]
    role = client("iam").get_role(RoleName=name)["Role"]
    # moto keeps a policy that a template holds as Python's text of it.
    policies = [
        ast.literal_eval(client("iam").get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"])
        for policy in client("iam").list_role_policies(RoleName=name)["PolicyNames"]
    ]
    return {**role, "Statements": [cleaned(statement) for policy in policies for statement in policy["Statement"] if statement]}


def cleaned(value):
    """moto leaves None where AWS::NoValue takes a member out of a list."""
    if isinstance(value, dict):
        return {key: cleaned(member) for key, member in value.items()}
    return [member for member in value if member] if isinstance(value, list) else value


def resources_of(stack):
    pages = client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack)
    return [resource for page in pages for resource in page["StackResourceSummaries"]]


def topic_policies(resources):
    for resource in resources:
        if resource["ResourceType"] == "AWS::SNS::Topic":
            topic = client("sns").get_topic_attributes(TopicArn=resource["PhysicalResourceId"])
            yield json.loads(topic["Attributes"]["Policy"])


def rules(stack):
    for rule in client("events").list_rules(NamePrefix=f"{stack}-")["Rules"]:
        targets = client("events").list_targets_by_rule(Rule=rule["Name"])["Targets"]
        yield {**rule, "EventPattern": json.loads(rule.get("EventPattern") or "null"), "Targets": targets}


def read_back(stack):
    configuration = client("lambda").get_function_configuration(FunctionName=stack)
    described = client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    resources = resources_of(stack)
    return {
        "function": configuration,
        "permission": json.loads(client("lambda").get_policy(FunctionName=stack)["Policy"])["Statement"],
        "role": role_of(configuration["Role"]),
        "logGroups": client("logs").describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{stack}")["logGroups"],
        "alarms": client("cloudwatch").describe_alarms(AlarmNamePrefix=f"{stack}-")["MetricAlarms"],
        "rules": list(rules(stack)),
        "topicPolicies": list(topic_policies(resources)),
        "types": sorted(resource["ResourceType"] for resource in resources),
        "outputs": {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])},
    }


json.dump({stack: read_back(stack) for stack in sys.argv[1:]}, sys.stdout, default=str)
