"""What a deployed stack has become, as the services tell it: read_back.py STACK FUNCTION; JSON on stdout."""

import ast
import json
import sys

import boto3

stack, function = sys.argv[1:]
client = boto3.client


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


def topic_policies():
    for topic in client("sns").list_topics()["Topics"]:
        yield json.loads(client("sns").get_topic_attributes(TopicArn=topic["TopicArn"])["Attributes"]["Policy"])


def rules():
    for rule in client("events").list_rules(NamePrefix=stack)["Rules"]:
        targets = client("events").list_targets_by_rule(Rule=rule["Name"])["Targets"]
        yield {**rule, "EventPattern": json.loads(rule.get("EventPattern") or "null"), "Targets": targets}


configuration = client("lambda").get_function_configuration(FunctionName=function)
described = client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
dashboards = client("cloudwatch").list_dashboards()["DashboardEntries"]
answer = {
    "function": configuration,
    "permission": json.loads(client("lambda").get_policy(FunctionName=function)["Policy"])["Statement"],
    "role": role_of(configuration["Role"]),
    "logGroups": client("logs").describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{function}")["logGroups"],
    "alarms": client("cloudwatch").describe_alarms(AlarmNamePrefix=stack)["MetricAlarms"],
    "rules": list(rules()),
    "topicPolicies": list(topic_policies()),
    "dashboards": [dashboard["DashboardName"] for dashboard in dashboards],
    "outputs": {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])},
}
json.dump(answer, sys.stdout, default=str)
