"""Makes at moto what a deployment expects to find: prepare.py BUCKET ROLE."""

import json
import sys

import boto3

bucket, role = sys.argv[1:]
trust = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
boto3.client("s3").create_bucket(Bucket=bucket)
boto3.client("iam").create_role(RoleName=role, AssumeRolePolicyDocument=json.dumps(trust))
