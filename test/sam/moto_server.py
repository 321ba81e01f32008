"""moto's server with what its CloudFormation lacks: moto_server.py PORT.

Alarms, topic policies and rotation schedules are made as CloudFormation makes them, by calls of the services' APIs;
schedules at the Secrets Manager that AWS_ENDPOINT_URL_SECRETS_MANAGER names. Outputs are told after a change set too, and a
template of SAM's is transformed by AWS's own transform.
"""

import json
import sys

import boto3
from moto.cloudformation.models import ChangeSet, CloudFormationBackend
from moto.cloudformation.parsing import get_model_map, get_name_type_map
from moto.server import main
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse


class Made:
    """A resource that was made."""

    is_created = True

    def __init__(self, name):
        self.physical_resource_id = name


class Maker:
    """Has CloudFormation make resources by a function of their name and properties."""

    def __init__(self, make):
        self.make = make

    def create_from_cloudformation_json(self, resource_name, cloudformation_json, *_args, **_kwargs):
        self.make(resource_name, cloudformation_json["Properties"])
        return Made(resource_name)


def make_alarm(name, properties):
    threshold = float(properties["Threshold"])
    boto3.client("cloudwatch").put_metric_alarm(**{"AlarmName": name, **properties, "Threshold": threshold})


def make_topic_policy(_name, properties):
    policy = json.dumps(properties["PolicyDocument"])
    for topic in properties["Topics"]:
        boto3.client("sns").set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)


def make_rotation_schedule(_name, properties):
    boto3.client("secretsmanager").rotate_secret(
        SecretId=properties["SecretId"],
        RotationLambdaARN=properties["RotationLambdaARN"],
        RotationRules=properties["RotationRules"],
        RotateImmediately=properties["RotateImmediatelyOnUpdate"] == "true",
    )


def apply_with_outputs(change_set):
    stack = change_set.stack
    stack.template_dict = change_set.template_dict
    stack.resource_map.update(change_set.template_dict, change_set.parameters)
    stack.output_map = stack._create_output_map()


class NoManagedPolicies:
    def load(self):
        return {}


create_change_set = CloudFormationBackend.create_change_set


def create_transformed_change_set(self, stack_name, change_set_name, template, parameters, *args, **kwargs):
    parsed = yaml_parse(template) if template else {}
    if "AWS::Serverless-2016-10-31" in str(parsed.get("Transform", "")):
        template = json.dumps(transform(parsed, dict(parameters), NoManagedPolicies()))
    return create_change_set(self, stack_name, change_set_name, template, parameters, *args, **kwargs)


CloudFormationBackend.create_change_set = create_transformed_change_set
ChangeSet.apply = apply_with_outputs
for resource_type, make in {
    "AWS::CloudWatch::Alarm": make_alarm,
    "AWS::SNS::TopicPolicy": make_topic_policy,
    "AWS::SecretsManager::RotationSchedule": make_rotation_schedule,
    # The combinations' VPC is not there; test/template.test.ts looks at what these are made with.
    "AWS::EC2::SecurityGroup": lambda _name, _properties: None,
    "AWS::EC2::VPCEndpoint": lambda _name, _properties: None,
}.items():
    get_model_map()[resource_type] = Maker(make)
    get_name_type_map()[resource_type] = ""
main(["--port", sys.argv[1]])
