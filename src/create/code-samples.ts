import { awsOption } from './aws-cli.ts';

/** Code that reads a secret, in one language. */
export interface CodeSample {
  readonly language: string;
  readonly title: string;
  readonly code: string;
}

/** The languages, as `--code` names them. */
export const sampleLanguages = [
  'cli',
  'javascript',
  'python',
  'java',
  'csharp',
  'go',
  'ruby',
  'php',
  'rust',
] as const;

/** One of {@link sampleLanguages}. */
export type SampleLanguage = (typeof sampleLanguages)[number];

/** The code that reads a secret, for each language. Name and region have no quotes or backslashes, and need no escapes. */
export function codeSamples(name: string, region: string): Readonly<Record<SampleLanguage, CodeSample>> {
  if (!/^[\w/+=.@!-]+$/.test(name) || !/^[\w-]+$/.test(region))
    throw new Error('Not a name, or not a region.');
  return {
    cli: sample('cli', 'AWS CLI', cli(name, region)),
    javascript: sample('javascript', 'JavaScript', javascript(name, region)),
    python: sample('python', 'Python', python(name, region)),
    java: sample('java', 'Java', java(name, region)),
    csharp: sample('csharp', 'C#', csharp(name, region)),
    go: sample('go', 'Go', go(name, region)),
    ruby: sample('ruby', 'Ruby', ruby(name, region)),
    php: sample('php', 'PHP', php(name, region)),
    rust: sample('rust', 'Rust', rust(name, region)),
  };
}

function sample(language: string, title: string, code: string): CodeSample {
  return { language, title, code };
}

function cli(name: string, region: string): string {
  return `aws secretsmanager get-secret-value ${awsOption('secret-id', name)} --region ${region} --query SecretString --output text
`;
}

function javascript(name: string, region: string): string {
  return `import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';

const client = new SecretsManagerClient({ region: '${region}' });
const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId: '${name}' }));
`;
}

function python(name: string, region: string): string {
  return `import boto3

client = boto3.client("secretsmanager", region_name="${region}")
secret = client.get_secret_value(SecretId="${name}")["SecretString"]
`;
}

function java(name: string, region: string): string {
  return `import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;

class ReadSecret {
  static String read() {
    try (SecretsManagerClient client = SecretsManagerClient.builder().region(Region.of("${region}")).build()) {
      return client.getSecretValue(request -> request.secretId("${name}")).secretString();
    }
  }
}
`;
}

function csharp(name: string, region: string): string {
  return `using Amazon;
using Amazon.SecretsManager;
using Amazon.SecretsManager.Model;

using var client = new AmazonSecretsManagerClient(RegionEndpoint.GetBySystemName("${region}"));
var answer = await client.GetSecretValueAsync(new GetSecretValueRequest { SecretId = "${name}" });
string secret = answer.SecretString;
`;
}

function go(name: string, region: string): string {
  return `package main

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
)

func readSecret(ctx context.Context) (string, error) {
	cfg, err := config.LoadDefaultConfig(ctx, config.WithRegion("${region}"))
	if err != nil {
		return "", err
	}
	answer, err := secretsmanager.NewFromConfig(cfg).GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{
		SecretId: aws.String("${name}"),
	})
	if err != nil {
		return "", err
	}
	return aws.ToString(answer.SecretString), nil
}
`;
}

function ruby(name: string, region: string): string {
  return `require 'aws-sdk-secretsmanager'

client = Aws::SecretsManager::Client.new(region: '${region}')
secret = client.get_secret_value(secret_id: '${name}').secret_string
`;
}

function php(name: string, region: string): string {
  return `<?php
require 'vendor/autoload.php';

$client = new Aws\\SecretsManager\\SecretsManagerClient(['region' => '${region}', 'version' => '2017-10-17']);
$secret = $client->getSecretValue(['SecretId' => '${name}'])['SecretString'];
`;
}

function rust(name: string, region: string): string {
  return `use aws_config::{BehaviorVersion, Region};

#[tokio::main]
async fn main() -> Result<(), aws_sdk_secretsmanager::Error> {
    let config = aws_config::defaults(BehaviorVersion::latest()).region(Region::new("${region}")).load().await;
    let client = aws_sdk_secretsmanager::Client::new(&config);
    let answer = client.get_secret_value().secret_id("${name}").send().await?;
    let secret = answer.secret_string().unwrap_or_default();
    Ok(())
}
`;
}
