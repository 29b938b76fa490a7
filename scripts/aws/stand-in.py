"""A stand-in for AWS, for scripts/aws/rehearse: moto's server, which also carries out the transform of SAM's templates
with AWS's own translator, as CloudFormation does and moto does not.

    stand-in.py PORT

What moto does not do: it checks no value that only the real service checks, enforces no permission, runs no function and
serves no API.
"""

import os
import sys
from types import SimpleNamespace

from moto.cloudformation import models
from moto.server import main
from samtranslator.translator.transform import transform

os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")  # the translator wants to know one
parse = models.Stack.parse_template


def transformed(text):
    """The template as CloudFormation goes on with it."""
    template = parse(text)
    if template.get("Transform") != "AWS::Serverless-2016-10-31":
        return template
    parameters = {k: p["Default"] for k, p in template.get("Parameters", {}).items() if "Default" in p}
    # It may ask for the ARNs of AWS's own policies; every role of ours is written out, so there is none to look up.
    return transform(template, parameters, SimpleNamespace(load=dict))


def parse_change_set(self):
    self.template_dict = transformed(self.template)


models.Stack.parse_template = staticmethod(transformed)
models.ChangeSet._parse_template = parse_change_set

if __name__ == "__main__":
    main(["-H", "127.0.0.1", "-p", sys.argv[1]])
