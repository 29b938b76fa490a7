"""A stand-in for AWS, for scripts/aws/rehearse: moto's server, which also carries out the transform of SAM's templates
with AWS's own translator, as CloudFormation does and moto does not, and makes all of a stack when a change set is executed.

    stand-in.py PORT

What moto does not do: it checks no value that only the real service checks, enforces no permission, runs no function and
serves no API.
"""

import os
import sys
from types import SimpleNamespace

from moto.apigatewayv2.models import apigatewayv2_backends
from moto.cloudformation import models
from moto.core.common_models import CloudFormationModel
from moto.server import main
from samtranslator.translator.transform import transform

os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")  # the translator wants to know one
parse = models.Stack.parse_template


def transformed(text):
    """The template as CloudFormation goes on with it."""
    template = parse(text)
    if template.get("Transform") != "AWS::Serverless-2016-10-31":
        return template
    # moto makes no domains, and looks at conditions only when it makes a stack, not when it changes one.
    for part in ("Resources", "Outputs"):
        template[part] = {k: v for k, v in template[part].items() if v.get("Condition") not in ("HasDomain", "HasHostedZone")}
    parameters = {k: p["Default"] for k, p in template.get("Parameters", {}).items() if "Default" in p}
    # It may ask for the ARNs of AWS's own policies; every role of ours is written out, so there is none to look up.
    return transform(template, parameters, SimpleNamespace(load=dict))


def parse_change_set(self):
    self.template_dict = transformed(self.template)


def apply(self):
    """As moto creates and updates a stack without a change set: with conditions and outputs."""
    stack = self.stack
    if self.change_set_type == "UPDATE":
        stack.update(self.template, parameters=self.parameters, tags=self.tags)
        return
    stack.template, stack.parameters = self.template, self.parameters
    stack._parse_template()
    stack.resource_map = stack._create_resource_map()
    stack.output_map = stack._create_output_map()
    stack.create_resources()


class HttpApi(CloudFormationModel):
    """The HTTP API as a resource of a stack, so that it has an id and an address. Its routes moto would not serve."""

    __module__ = "moto.apigatewayv2.models"  # moto looks there for whose it is

    def __init__(self, api):
        self.api = api
        self.physical_resource_id = api.api_id

    @staticmethod
    def cloudformation_type():
        return "AWS::ApiGatewayV2::Api"

    @staticmethod
    def cloudformation_name_type():
        return ""

    @classmethod
    def create_from_cloudformation_json(cls, name, json, account, region, **kwargs):
        names = ("api_key_selection_expression", "cors_configuration", "description", "disable_schema_validation",
                 "disable_execute_api_endpoint", "route_selection_expression", "version")  # fmt: skip
        backend = apigatewayv2_backends[account][region]
        return cls(backend.create_api(name=name, protocol_type="HTTP", tags={}, **dict.fromkeys(names)))

    @classmethod
    def update_from_cloudformation_json(cls, resource, name, json, account, region):
        return resource

    @classmethod
    def delete_from_cloudformation_json(cls, name, json, account, region):
        apigatewayv2_backends[account][region].delete_api(name)


models.Stack.parse_template = staticmethod(transformed)
models.ChangeSet._parse_template = parse_change_set
models.ChangeSet.apply = apply

if __name__ == "__main__":
    main(["-H", "127.0.0.1", "-p", sys.argv[1]])
