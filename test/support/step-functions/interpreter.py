"""LocalStack's interpreter of the Amazon States Language, by itself.

It is started with the endpoints that the state machines' calls go to: a JSON object in ENDPOINTS, by service as boto3
names it. Calls are signed with the access key that ROLE_KEYS, a JSON object by ARN, has for the state machine's role.
"""
import json
import os
from datetime import datetime, timezone

import boto3
from botocore.config import Config

from localstack.services.stepfunctions.asl.component.state.state_choice.comparison.operator.implementations.is_operator import (
    IsTimestamp,
)
from localstack.services.stepfunctions.asl.component.state.state_execution.state_map.item_reader.resource_eval import (
    resource_eval_s3 as reader,
)
from localstack.services.stepfunctions.asl.component.state.state_execution.state_map.iteration.distributed_iteration_component import (
    DistributedIterationComponent,
)
from localstack.services.stepfunctions.asl.component.state.state_execution.state_map.result_writer.resource_eval import (
    resource_eval_s3 as writer,
)
from localstack.services.stepfunctions.asl.component.state.state_execution.state_task.service import (
    state_task_service_aws_sdk as aws_sdk,
)
from localstack.services.stepfunctions.asl.component.state.state_execution.state_task.service import (
    state_task_service_sfn as nested,
)

ENDPOINTS = json.loads(os.environ["ENDPOINTS"])
ROLE_KEYS = json.loads(os.environ["ROLE_KEYS"])
ANYBODY = {"accessKeyId": "fleet", "secretAccessKey": "fleet"}
# LocalStack's clients sign with its own key, so it takes the account from that key.
OWN = {"accessKeyId": "test", "secretAccessKey": "test"}


def as_aws_tells(value):
    """Dates as the real SDK integrations tell them: RFC 3339, in UTC with a Z."""
    if isinstance(value, datetime):
        return value.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
    if isinstance(value, dict):
        return {name: as_aws_tells(member) for name, member in value.items()}
    return [as_aws_tells(member) for member in value] if isinstance(value, list) else value


def tell_dates(parsed, **_):
    parsed.update(as_aws_tells(parsed))


def client_for(service, region, state_credentials):
    key = OWN if service == "stepfunctions" else ROLE_KEYS.get(state_credentials.role_arn, ANYBODY)
    client = boto3.client(
        service,
        region_name=region,
        endpoint_url=ENDPOINTS[service],
        aws_access_key_id=key["accessKeyId"],
        aws_secret_access_key=key["secretAccessKey"],
        aws_session_token=key.get("sessionToken"),
        config=Config(
            parameter_validation=False,
            retries={"total_max_attempts": 1},
            s3={"addressing_style": "path"},
            max_pool_connections=50,
        ),
    )
    client.meta.events.register("after-call.secretsmanager", tell_dates)
    return client


for module in (reader, writer, aws_sdk, nested):
    module.boto_client_for = client_for

# LocalStack runs a distributed map to its end, however many items fail. AWS fails the map. With this change, so does
# LocalStack, but only at the end.
run_map = DistributedIterationComponent._map_run


def run_map_within_tolerance(self, env, eval_input):
    run_map(self, env, eval_input)
    record = eval_input.map_run_record
    if record.item_counter.failed.get() > record.tolerated_failure_count:
        raise RuntimeError("The failure tolerance of the map is exceeded.")


DistributedIterationComponent._map_run = run_map_within_tolerance

# LocalStack reads only dates of whole seconds. AWS reads fractions too.
IsTimestamp.string_to_timestamp = staticmethod(datetime.fromisoformat)

from localstack.runtime.main import main  # noqa: E402

main()
