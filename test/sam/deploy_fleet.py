"""Deploys fleet.yaml at moto, and tells what the services have then: deploy_fleet.py STACK [NAME=VALUE ...]; JSON on stdout."""

import ast
import json
import sys

import boto3

stack, *given = sys.argv[1:]
client = boto3.client
parameters = [dict(zip(("ParameterKey", "ParameterValue"), one.split("=", 1))) for one in given]
client("cloudformation").create_stack(
    StackName=stack,
    TemplateBody=open("fleet.yaml").read(),
    Parameters=parameters,
    Capabilities=["CAPABILITY_IAM"],
)
described = client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
outputs = {one["OutputKey"]: one["OutputValue"] for one in described["Outputs"]}


def cleaned(value):
    """moto leaves None where AWS::NoValue takes a member out of a list."""
    if isinstance(value, dict):
        return {key: cleaned(member) for key, member in value.items()}
    return [cleaned(member) for member in value if member] if isinstance(value, list) else value


def statements_of(logical_id):
    resources = client("cloudformation").list_stack_resources(StackName=stack)["StackResourceSummaries"]
    [name] = [one["PhysicalResourceId"] for one in resources if one["LogicalResourceId"] == logical_id]
    for policy in client("iam").list_role_policies(RoleName=name)["PolicyNames"]:
        # moto keeps a policy that a template holds as Python's text of it.
        document = client("iam").get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
        document = ast.literal_eval(document) if isinstance(document, str) else document
        yield from cleaned(document)["Statement"]


bucket = outputs["FleetBucket"]
s3 = client("s3")
machines = client("stepfunctions").list_state_machines()["stateMachines"]
print(
    json.dumps(
        {
            "status": described["StackStatus"],
            "outputs": outputs,
            "machines": [one["stateMachineArn"] for one in machines],
            "target": list(statements_of("TargetRole")),
            "fleet": list(statements_of("FleetRole")),
            "encryption": s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"],
        }
    )
)
