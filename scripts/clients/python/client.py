"""mcp, the Python SDK, with revision 2026-07-28 pinned."""

import asyncio
import json
import os
import sys
import traceback
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlsplit

import mcp.client.auth
from mcp.client.auth import OAuthClientProvider, OAuthFlowError
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientInformationFull, OAuthClientMetadata

REVISION = "2026-07-28"
MCP_URL, REDIRECT, DOCUMENT = os.environ["MCP_URL"], os.environ["REDIRECT"], os.environ["CLIENT_DOCUMENT"]
ISSUER, DATE, BROWSER = os.environ["ISSUER"], os.environ["BOOKING_DATE"], os.environ["BROWSER"]


class Storage:
    """Keeps in memory what the SDK asks a host to keep."""

    def __init__(self, client_info=None):
        self.client_info, self.tokens = client_info, None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client_info

    async def set_client_info(self, client_info):
        self.client_info = client_info


class Host:
    """One connection of a host, with a person who logs in."""

    def __init__(self, registered=None, document=None, lie=None):
        self.logins, self.lie = 0, lie
        self.storage = Storage(
            registered and OAuthClientInformationFull(**registered, redirect_uris=[REDIRECT], token_endpoint_auth_method="none")
        )
        self.provider = OAuthClientProvider(
            server_url=MCP_URL,
            client_metadata=OAuthClientMetadata(
                client_name="python",
                redirect_uris=[REDIRECT],
                grant_types=["authorization_code", "refresh_token"],
                response_types=["code"],
                token_endpoint_auth_method="none",
            ),
            storage=self.storage,
            redirect_handler=self.open,
            callback_handler=self.answer,
            client_metadata_url=document,
        )

    async def open(self, url):
        self.logins += 1
        self.url = url

    async def answer(self):
        browser = await asyncio.create_subprocess_exec(BROWSER, "-print", self.url, stdout=asyncio.subprocess.PIPE)
        out, _ = await browser.communicate()
        query = {name: values[0] for name, values in parse_qs(urlsplit(out.decode().strip()).query).items()}
        return AuthorizationCodeResult(code=query["code"], state=query["state"], iss=self.lie or query["iss"])

    @asynccontextmanager
    async def connected(self):
        async with create_mcp_http_client(auth=self.provider) as http:
            async with Client(streamable_http_client(MCP_URL, http_client=http), mode=REVISION) as client:
                yield client


def text_of(result):
    text = " ".join(part.text for part in result.content)
    if result.is_error:
        raise RuntimeError(text)
    return text


async def ask(client):
    return text_of(await client.call_tool("get_pet_vaccination_info", {"pet": "Fido"}))


def expect(holds, otherwise):
    if not holds:
        raise RuntimeError(otherwise)


def say(step, result, detail=""):
    print(step, result, " ".join(str(detail or "").split())[:300], flush=True)


def causes(error):
    return [cause for e in error.exceptions for cause in causes(e)] if isinstance(error, BaseExceptionGroup) else [error]


async def attempt(step, work):
    try:
        async with asyncio.timeout(60):
            say(step, "ok", await work())
    except Exception as error:
        traceback.print_exc(file=sys.stderr)
        say(step, "FAILED", "; ".join(repr(cause) for cause in causes(error)))


async def main():
    registered = json.loads(os.environ["REGISTERED"])
    host = Host(registered=registered)

    async def pre_registered():
        async with host.connected() as client:
            await ask(client)
        expect(host.storage.client_info.client_id == registered["client_id"] and host.logins == 1, "another client logged in")

    async def discovery():
        context = host.provider.context
        expect(context.oauth_metadata and str(context.oauth_metadata.issuer) == ISSUER, f"it found {context.oauth_metadata}")
        expect(str(context.protected_resource_metadata.resource) == MCP_URL, "it found another resource")

    async def document():
        h = Host(document=DOCUMENT)
        async with h.connected() as client:
            await ask(client)
        expect(h.storage.client_info.client_id == DOCUMENT, f"the client_id is {h.storage.client_info.client_id}")

    async def dynamic():
        h = Host()
        async with h.connected() as client:
            await ask(client)
        return f"client_id {h.storage.client_info.client_id}"

    async def iss():
        h = Host(registered=registered, lie="https://attacker.example")
        try:
            async with h.connected() as client:
                await ask(client)
        except Exception as error:
            if h.storage.tokens is None and any(isinstance(e, OAuthFlowError) and "attacker.example" in str(e) for e in causes(error)):
                return
            raise
        raise RuntimeError("it took an answer of another issuer")

    async def tool():
        async with host.connected() as client:
            answer = await ask(client)
            expect(client.session.protocol_version == REVISION, f"it speaks {client.session.protocol_version}")
            return f"{REVISION}: {answer}"

    async def step_up():
        logins = host.logins
        async with host.connected() as client:
            text_of(await client.call_tool("book_vet_appointment", {"pet": "Fido", "date": DATE, "time": "10:00"}))
            await ask(client)  # and what it could before, it can still
        expect(host.logins == logins + 1, f"it logged in {host.logins - logins} times")
        return host.storage.tokens.scope

    async def refresh():
        before, logins = host.storage.tokens, host.logins
        host.provider.context.token_expiry_time = 1  # as if ten minutes had passed
        async with host.connected() as client:
            await ask(client)
        expect(host.logins == logins, "it asked for a login")
        after = host.storage.tokens
        expect(after.access_token != before.access_token and after.refresh_token != before.refresh_token, "the tokens are the same")

    await attempt("pre-registered", pre_registered)
    await attempt("discovery", discovery)
    await attempt("document", document)
    await attempt("dynamic", dynamic)
    await attempt("iss", iss)
    await attempt("tool", tool)
    await attempt("step-up", step_up)
    await attempt("refresh", refresh)
    if revoke := [name for owner in (mcp.client.auth, OAuthClientProvider) for name in dir(owner) if "revo" in name.lower()]:
        say("revocation", "FAILED", f"it can revoke now: {revoke}")
    else:
        say("revocation", "lacks", "no call for it")


asyncio.run(main())
