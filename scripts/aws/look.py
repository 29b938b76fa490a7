"""Looks at what scripts/deploy made at the stand-in for AWS; scripts/aws/rehearse runs it.

    look.py deployed|moved|gone STACK
"""


import ast
import importlib
import re
import sys

import boto3

what, stack = sys.argv[1:]
cloudformation, dynamodb, functions, apis, iam, logs, s3 = map(
    boto3.client, ["cloudformation", "dynamodb", "lambda", "apigatewayv2", "iam", "logs", "s3"]
)


def expect(name, got, want):
    if got != want:
        sys.exit(f"{name}: {got}, want {want}")


tables = [t for t in dynamodb.list_tables()["TableNames"] if t.startswith(stack)]
names = sorted(f["FunctionName"] for f in functions.list_functions()["Functions"])
if what == "gone":
    left = cloudformation.list_stacks()["StackSummaries"]
    expect("stacks", [s["StackName"] for s in left if stack in s["StackName"] and s["StackStatus"] != "DELETE_COMPLETE"], [])
    expect("tables", tables, [])
    expect("functions", names, [])
    expect("log groups", [g["logGroupName"] for g in logs.describe_log_groups()["logGroups"]], [])
    for b in s3.list_buckets()["Buckets"]:
        expect("uploads", [o["Key"] for o in s3.list_objects_v2(Bucket=b["Name"]).get("Contents", [])], [])
    sys.exit()

made = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
outputs = {o["OutputKey"]: o["OutputValue"] for o in made["Outputs"]}
parameters = {p["ParameterKey"]: p["ParameterValue"] for p in made["Parameters"]}
expect("parameters", (parameters["Architecture"], parameters["AlarmEmail"]), ("arm64", "somebody@example.com"))  # an update keeps them
base = outputs["Issuer"]
if what == "moved":
    expect("issuer", base, "https://vetassist.example.com")
else:
    expect("issuer", base, apis.get_apis()["Items"][0]["ApiEndpoint"])
expect("addresses", [outputs[k] for k in ("Issuer", "App", "Console", "McpUrl")], [base, base + "/", base + "/admin/", base + "/mcp"])

recorded = what == "moved"  # the second deployment has the flight recorder
expect("functions", names, sorted(f"{stack}-{f}" for f in ["admin", "app", "jwks", "mcp", "oauth"] + (["learn"] if recorded else [])))
expect("flows", outputs.get("Flows"), base + "/flow/" if recorded else None)
table = dynamodb.describe_table(TableName=outputs["TableName"])["Table"]
expect("table", (tables, table["BillingModeSummary"]["BillingMode"]), ([table["TableName"]], "PAY_PER_REQUEST"))
for name in names:
    f = functions.get_function(FunctionName=name)["Configuration"]
    variables = f["Environment"]["Variables"]
    expect(name, (f["Runtime"], variables["VETASSIST_TABLE"]), ("provided.al2023", table["TableName"]))
    expect(name, variables.get("AWS_ENDPOINT_URL_DYNAMODB", ""), "")  # Amazon's own
    expect(name, variables.get("VETASSIST_ALLOWED_ORIGINS", ""), "" if what == "moved" else "https://a.example.com,https://b.example.com")
    if what == "moved":
        expect(name, variables["VETASSIST_BASE_URL"], base)
    clients = (variables.get("VETASSIST_REGISTRATION"), variables.get("VETASSIST_CLIENT_DOMAINS"))  # the authorization server's to know,
    told = ("token", "vscode.dev,*.example.com") if what == "moved" else ("off", "*")
    told = {f"{stack}-oauth": told, f"{stack}-admin": (told[0], None)}  # and the first one the console's to show
    expect(name, clients, told.get(name, (None, None)))
    expect(name, variables["VETASSIST_RECORDER"], "on" if recorded else "off")
    # The statements of the role, as the stack made them: the table's ARN, no other, and never all.
    role = f["Role"].rsplit("/", 1)[1]
    document = iam.get_role_policy(RoleName=role, PolicyName="work")["PolicyDocument"]
    document = document if isinstance(document, dict) else ast.literal_eval(document)  # moto's words for it
    for s in document["Statement"]:
        if s["Sid"] in ("Work", "Read"):
            expect(name, s["Resource"], table["TableArn"])
            expect(name, all(a.startswith("dynamodb:") and "Scan" not in a and "*" not in a for a in s["Action"]), True)
            expect(name, bool(s["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]), True)
        else:
            expect(name, (s["Sid"], s["Resource"].split(":log-group:")[1].removesuffix(":*")), ("Log", f"/aws/lambda/{name}"))

groups = {g["logGroupName"]: g.get("retentionInDays") for g in logs.describe_log_groups()["logGroups"]}
expect("log groups", groups, {f"/aws/lambda/{n}": 30 for n in names} | {f"/aws/vendedlogs/{stack}-api": 30})
# moto makes no alarms either, but it makes the nested stacks that hold them, and tells each its function and whom to tell. Those that an
# update adds it makes when somebody asks for the stack's resources.
cloudformation.describe_stack_resources(StackName=stack)
watched = {}
for nested in cloudformation.describe_stacks()["Stacks"]:
    told = {p["ParameterKey"]: p["ParameterValue"] for p in nested.get("Parameters", [])}
    if "Function" in told:
        watched[told["Function"]] = told["Topic"].startswith("arn:aws:sns:")
expect("alarms", watched, dict.fromkeys(names, True))

# moto makes no HTTP API, so this is what its translated description says: each route leads to a function that lets it in.
template = importlib.import_module("stand-in").transformed(cloudformation.get_template(StackName=stack)["TemplateBody"])
body = template["Resources"]["Api"]["Properties"]["Body"]
conditions = {"HasRecorder": recorded}


def chosen(value):
    """What CloudFormation takes of an Fn::If; None is AWS::NoValue."""
    while isinstance(value, dict) and "Fn::If" in value:
        condition, yes, no = value["Fn::If"]
        value = yes if conditions[condition] else no
    return None if value == {"Ref": "AWS::NoValue"} else value


calls = [
    r["Properties"]["FunctionName"]["Ref"]
    for r in template["Resources"].values()
    if r["Type"] == "AWS::Lambda::Permission" and conditions.get(r.get("Condition"), True)
]
paths = {p: m for p, m in ((p, chosen(m)) for p, m in body["paths"].items()) if m is not None}
expect("paths of the recorder", sorted(p for p in paths if p.startswith(("/flow", "/learn"))),
       ["/flow", "/flow/{proxy+}", "/learn", "/learn/{proxy+}"] if recorded else [])  # fmt: skip
for path, methods in paths.items():
    integration = chosen(methods["x-amazon-apigateway-any-method"])["x-amazon-apigateway-integration"]
    expect(path, (integration["payloadFormatVersion"], integration["type"]), ("2.0", "aws_proxy"))
    function = re.search(r"\$\{(\w+)\.Arn\}", chosen(integration["uri"])["Fn::Sub"])[1]
    expect(path, function in calls, True)
expect("permissions to call", len(calls), len(paths))
