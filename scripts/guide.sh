#!/usr/bin/env bash
# The guide by API alone: sets up MCP authorization from empty, as an administrator does by hand in the console, and ends
# with Bob's answer. Read it from top to bottom: it is written as a tutorial for whoever met OAuth last week.
#
#   go run ./functions/vetassist -seed none -db guide.db      in one terminal; note the administrator's password
#   scripts/guide.sh                                          in another one; asks for that password
#
# Nothing is created twice, so it can be run again. Nothing secret stands on a command line, where every user of the machine
# could read it with ps: passwords and tokens are in files of a folder that only you may open, and curl reads them there.
set -euo pipefail
umask 077

usage() {
  cat <<'USAGE'
Usage: scripts/guide.sh [BASE_URL]

  BASE_URL          where VetAssist runs; default http://localhost:8080

Environment:
  ADMIN_PASSWORD    the administrator's password; without it you are asked
  ADMIN_USERNAME    default admin
  BOB_PASSWORD      Bob's password, if he is there already and keeps it; without it he gets a new one
  RESET_CLINIC=1    fill the clinic afresh although Bob is there already

Needs curl, jq and openssl.
USAGE
}

case ${1:-} in -h | --help) usage && exit ;; esac
if [ $# -gt 1 ]; then
  usage >&2
  exit 2
fi
base=${1:-http://localhost:8080}
base=${base%/}

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

step() { printf '\n%s\n' "$1"; }
note() { printf '   %s\n' "$1"; }
fail() {
  printf '\nguide.sh: %s\n' "$1" >&2
  exit 1
}

for tool in curl jq openssl; do
  command -v "$tool" >/dev/null || fail "$tool is not installed."
done
if [ -z "${ADMIN_PASSWORD:-}" ] && [ -t 0 ]; then
  read -rsp "Password of ${ADMIN_USERNAME:-admin}: " ADMIN_PASSWORD
  echo
fi
if [ -z "${ADMIN_PASSWORD:-}" ]; then
  usage >&2
  fail 'The password of the administrator is missing. The server printed it at its first start.'
fi
printf %s "$ADMIN_PASSWORD" >"$tmp/admin.password" # printf is a part of bash: no process, no command line

# ---------------------------------------------------------------------------------------------------------------------
# Part 1: how anybody gets a token. The administrator needs one for the admin API, Bob needs one for the MCP server, and
# both get it in the same way: the authorization code flow with PKCE, which OAuth 2.1 prescribes.
# ---------------------------------------------------------------------------------------------------------------------

# get_json URL FILE reads a document that everybody may read.
get_json() { curl -sSf -o "$2" "$1" || fail "$1 does not answer. Does VetAssist run there?"; }

# discover RESOURCE finds out who issues tokens for a resource. Nothing is known beforehand but the resource's own address:
# its metadata names its authorization server (RFC 9728), and the metadata of that one names its endpoints (RFC 8414).
discover() {
  resource=$1
  get_json "$base/.well-known/oauth-protected-resource${resource#"$base"}" "$tmp/resource"
  [ "$(jq -r .resource "$tmp/resource")" = "$resource" ] || fail "VetAssist calls itself $(jq -r .resource "$tmp/resource"), not $resource. Run this with its own address."
  issuer=$(jq -r '.authorization_servers[0]' "$tmp/resource")
  get_json "$issuer/.well-known/oauth-authorization-server" "$tmp/server"
  authorization_endpoint=$(jq -r .authorization_endpoint "$tmp/server")
  token_endpoint=$(jq -r .token_endpoint "$tmp/server")
  revocation_endpoint=$(jq -r .revocation_endpoint "$tmp/server")
}

# base64url is the spelling of bytes that may stand in a URL (RFC 4648 §5).
base64url() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }
random() { openssl rand 32 | base64url; }

# browser is curl with the cookies of one person's browser. It prints the address that the answer sends the person to.
browser() { curl -sS -b "$tmp/$person.cookies" -c "$tmp/$person.cookies" -o "$tmp/page" -w '%{redirect_url}' "$@"; }

# What a browser does with a page by itself: each form has a hidden token, which shows that the form came from the server.
form_token() { sed -n 's/.*name="form_token" value="\([^"]*\)".*/\1/p' "$tmp/page" | tail -n 1 | tr -d '\n' >"$tmp/form_token"; }
page_says() { # what a person reads there: the red line, or else the heading
  { grep 'role="alert"' "$tmp/page" || grep '<h1' "$tmp/page" || echo 'the page is empty'; } |
    sed -e 's/<[^>]*>//g' -e "s/&#39;/'/g" -e 's/^ *//' | head -n 1
}

# answer NAME reads a parameter of the address that the browser was sent back to.
answer() {
  local value
  value=$(printf %s "${back#*\?}" | tr '&' '\n' | sed -n "s/^$1=//p" | head -n 1)
  value=${value//+/ }
  printf %b "${value//%/\\x}"
}

# log_in PERSON USERNAME CLIENT_ID REDIRECT_URI SCOPES is the flow. The password is in the file PERSON.password; the tokens
# come into the file PERSON.tokens.
log_in() {
  person=$1
  local username=$2 client_id=$3 redirect_uri=$4 scopes=$5 state query to scope
  local boxes=()
  : >"$tmp/$person.cookies"

  # The client makes up a secret for this one login, the code verifier. It sends only its SHA-256 hash now, and the secret
  # itself when it fetches the token: whoever steals the code on its way back cannot use it (PKCE, RFC 7636). The state is
  # random too: an answer that does not bring it back is the answer to somebody else's question.
  random >"$tmp/verifier"
  state=$(random)
  query=$(jq -rn --arg client_id "$client_id" --arg redirect_uri "$redirect_uri" --arg scope "$scopes" --arg state "$state" \
    --arg resource "$resource" --arg code_challenge "$(openssl dgst -sha256 -binary "$tmp/verifier" | base64url)" \
    '{response_type: "code", code_challenge_method: "S256"} + $ARGS.named | to_entries | map("\(.key)=\(.value | @uri)") | join("&")')

  # 1. The browser goes to the authorization server. Nobody is logged in there, so it is sent on to the login page.
  to=$(browser "$authorization_endpoint?$query")
  case $to in "$issuer"/oauth/login*) ;; *) fail "No login page came: $(page_says)" ;; esac

  # 2. The person logs in, at the authorization server and nowhere else: no application ever sees a password.
  browser "$to"
  form_token
  to=$(browser "$to" --data-urlencode "form_token@$tmp/form_token" --data-urlencode "username=$username" --data-urlencode "password@$tmp/$person.password")
  [ -n "$to" ] || fail "$username could not log in: $(page_says)"

  # 3. The person consents. The page has a box for each scope that the application asks for and the person's roles allow, and
  # here all of them stay ticked. Who consented before is not asked again: the browser is sent back at once.
  back=$(browser "$to")
  if [ -z "$back" ]; then
    while read -r scope; do
      boxes+=(-d "scope=$scope")
    done < <(sed -n 's/.*name="scope" value="\([^"]*\)".*/\1/p' "$tmp/page")
    [ ${#boxes[@]} -gt 0 ] || fail "$username has nothing to allow: $(page_says)"
    form_token
    back=$(browser "$issuer/oauth/consent?$query" "${boxes[@]}" --data-urlencode "form_token@$tmp/form_token" -d decision=approve)
  fi

  # 4. The browser is sent back to the application with a code. Before the application believes anything of that, it looks
  # whether the answer came to its own address, is the answer to its own question (state), and comes from the authorization
  # server that it asked (iss, RFC 9207).
  case $back in "$redirect_uri"\?*) ;; *) fail "No answer came: $(page_says)" ;; esac
  [ "$(answer state)" = "$state" ] || fail 'The answer is not to our question: its state is another one.'
  [ "$(answer iss)" = "$issuer" ] || fail "The answer does not come from $issuer."
  [ -z "$(answer error)" ] || fail "$(answer error): $(answer error_description)"
  answer code >"$tmp/code"

  # 5. The application swaps the code for tokens, and shows the verifier. The resource says whom the token is for (RFC 8707).
  curl -sS -o "$tmp/$person.tokens" "$token_endpoint" -d grant_type=authorization_code --data-urlencode "code@$tmp/code" \
    --data-urlencode "code_verifier@$tmp/verifier" -d "client_id=$client_id" --data-urlencode "redirect_uri=$redirect_uri" --data-urlencode "resource=$resource"
  keep_tokens "$client_id"
}

# keep_tokens CLIENT_ID writes the access token as a header, where curl finds it, and the refresh token for later.
keep_tokens() {
  [ "$(jq -r '.access_token // empty' "$tmp/$person.tokens")" ] || fail "No token: $(jq -r .error_description "$tmp/$person.tokens")"
  jq -r '"Authorization: Bearer " + .access_token' "$tmp/$person.tokens" >"$tmp/$person.header"
  jq -j .refresh_token "$tmp/$person.tokens" >"$tmp/$person.refresh"
  printf %s "$1" >"$tmp/$person.client"
}

# An access token lasts ten minutes. Then the application gets the next one with its refresh token, without the person.
refresh() {
  person=$1
  curl -sS -o "$tmp/$person.tokens" "$token_endpoint" -d grant_type=refresh_token --data-urlencode "refresh_token@$tmp/$person.refresh" \
    --data-urlencode "client_id@$tmp/$person.client"
  keep_tokens "$(cat "$tmp/$person.client")"
}

# Leave nothing open: at the end the refresh tokens are revoked (RFC 7009), and the folder with the files goes.
log_out() {
  for person in admin bob; do
    if [ -s "$tmp/$person.refresh" ]; then
      curl -sS -o /dev/null "$revocation_endpoint" --data-urlencode "token@$tmp/$person.refresh" --data-urlencode "client_id@$tmp/$person.client" || true
    fi
  done
  rm -rf "$tmp"
}
trap log_out EXIT

# ---------------------------------------------------------------------------------------------------------------------
# Part 2: the administrator sets everything up.
# ---------------------------------------------------------------------------------------------------------------------

step "The administrator logs in at $base"
# The admin API is a resource server like any other. For a client we use the console's: it is a public client, without a
# secret, so its id is no more than a name. What protects it is that its codes go to its own address only, and PKCE.
discover "$base/admin/api"
log_in admin "${ADMIN_USERNAME:-admin}" vetassist-console "$base/admin/callback" 'admin:read admin:write'
note "A token for $resource, with the scopes $(jq -r .scope "$tmp/admin.tokens")."

# api METHOD PATH [more for curl] makes a call and prints the answer. Each refusal is a problem document (RFC 9457): it says
# in words what is wrong, and the script stops.
api() {
  local status
  status=$(curl -sS -X "$1" -H "@$tmp/admin.header" -H 'Content-Type: application/json' -o "$tmp/answer" -w '%{http_code}' "$base/admin/api/v1$2" "${@:3}")
  if [ "$status" -ge 400 ]; then
    fail "$1 $2 was refused: $(jq -r '"\(.status) \(.detail)\((.errors // []) | map("\n  \(.location): \(.message)") | join(""))"' "$tmp/answer")"
  fi
  cat "$tmp/answer"
}

# first PATH CONDITION prints the first record of a list for which the condition of jq holds, or nothing. Each thing below is
# looked for before it is made. (A program that may not look can send POST again instead: with an Idempotency-Key header
# nothing is made twice.)
first() { api GET "$1" | jq -c "first(.items[] | select($2)) // empty"; }
field() { jq -r "$1" <<<"$record"; }

step 'Register the MCP server'
record=$(first '/servers?limit=200' '.identifier == "mcp://vetassist"')
if [ -n "$record" ]; then
  note "$(field .name) is there already."
else
  record=$(jq -n --arg url "$base/mcp" '{name: "VetAssist MCP Server", identifier: "mcp://vetassist", $url, scopes: []}' | api POST /servers --data @-)
  note "$(field .name) is registered: $(field .identifier) at $(field .url)."
fi
server=$(field .id)

step 'Define its scopes: what an application can be allowed to do there'
cat >"$tmp/scopes" <<'JSON'
[
  {"name": "pet-profile:read", "title": "See pet profiles", "description": "Permission to get the authorized user's Pet information", "open": true},
  {"name": "pet-profile:write", "title": "Add and change pet profiles", "description": "Permission to add new pet information or update existing pet information", "open": true},
  {"name": "appointment:read", "title": "See appointments", "description": "Permission to see free appointment slots and the authorized user's appointments", "open": true},
  {"name": "appointment:write", "title": "Book and cancel appointments", "description": "Permission to book and cancel vet appointments for the authorized user's pets", "open": true},
  {"name": "reminder:read", "title": "See reminders", "description": "Permission to see the authorized user's reminders", "open": true},
  {"name": "reminder:write", "title": "Set and cancel reminders", "description": "Permission to set and cancel reminders for the authorized user", "open": true}
]
JSON
missing=$(field .scopes | jq -c --slurpfile wanted "$tmp/scopes" '[.[].name] as $there | $wanted[0] | map(select(.name | IN($there[]) | not))')
if [ "$missing" = '[]' ]; then
  note 'All six are there already.'
else
  # A change names what it was made from: the ETag of the record as we read it. If somebody else was faster, the answer is
  # 412, and nobody's work is lost (RFC 9110 §13.1.1).
  etag=$(field .etag)
  record=$(jq -c --argjson missing "$missing" '{name, url, scopes: (.scopes + $missing)}' <<<"$record" | api PUT "/servers/$server" -H "If-Match: $etag" --data @-)
  note "$(field '.scopes | map(.name) | join(", ")')"
fi

# role NAME DESCRIPTION defines a role, if it is not there.
role() {
  if [ -n "$(first '/roles?limit=200' ".name == \"$1\"")" ]; then
    note "$1 is there already."
  else
    jq -n --arg name "$1" --arg description "$2" '$ARGS.named' | api POST /roles --data @- >/dev/null
    note "$1 is defined."
  fi
}

# permit ROLE SCOPES gives a role these scopes of the server; what it has of other servers stays.
permit() {
  local record etag
  record=$(api GET "/roles/${1// /%20}")
  etag=$(field .etag)
  jq --arg server "$server" --arg scopes "$2" '{description, permissions: (
      [.permissions[] | {server_id: .server.id, scopes} | select(.server_id != $server)] + [{server_id: $server, scopes: ($scopes / " ")}])}' <<<"$record" |
    api PUT "/roles/${1// /%20}" -H "If-Match: $etag" --data @- >/dev/null
}

owner_scopes='pet-profile:read appointment:read appointment:write reminder:read reminder:write'
all_scopes="$owner_scopes pet-profile:write"

step 'Define roles, and assign scopes to them'
role 'Pet Owner' 'Standard consumer role, given to every customer. Only their own pets.'
role 'Vet Staff' 'Internal staff of the clinic. All pets.'
permit 'Pet Owner' "$owner_scopes"
permit 'Vet Staff' "$all_scopes"
note "Pet Owner may: $owner_scopes"
note 'Vet Staff may do that, and pet-profile:write.'

# user USERNAME NAME ROLE creates a user, if there is none of that name, and gives the role. The server makes the password,
# and tells it once. The answer stays in $record, and what was made in the file USERNAME.password.
user() {
  record=$(first "/users?prefix=$1" ".username == \"$1\"")
  if [ -n "$record" ]; then
    note "$1 is there already."
  else
    record=$(jq -n --arg username "$1" --arg name "$2" '$ARGS.named' | api POST /users --data @-)
    jq -j .password <<<"$record" >"$tmp/$1.password"
    note "$1 is created, with the password $(cat "$tmp/$1.password")"
  fi
  api PUT "/roles/${3// /%20}/members/$(field .id)" >/dev/null
  note "$1 has the role $3."
}

step 'Create users, and assign roles to them'
user carol 'Dr. Carol Reyes' 'Vet Staff'
user alice 'Alice Grant' 'Pet Owner'
user bob 'Bob Miller' 'Pet Owner'
bob=$(field .id)
bob_is_new=
if [ -s "$tmp/bob.password" ]; then
  bob_is_new=1
elif [ -n "${BOB_PASSWORD:-}" ]; then
  printf %s "$BOB_PASSWORD" >"$tmp/bob.password"
else
  # Below we log in as Bob, and nobody can read his password: only a hash of it is kept. A new one signs him out everywhere.
  openssl rand -hex 12 | tr -d '\n' >"$tmp/bob.password"
  jq -n --rawfile password "$tmp/bob.password" '{$password}' | api PUT "/users/$bob/password" --data @- >/dev/null
  note "bob has a new password, $(cat "$tmp/bob.password"): to keep his own, set BOB_PASSWORD."
fi

step 'Register the MCP client application'
# The redirect URL is where the browser comes back to with the code. The chat shows its own at /setup.
record=$(first '/applications?prefix=Vet%20Assist%20AI&limit=200' '.name == "Vet Assist AI" and .source == "admin"')
if [ -n "$record" ]; then
  note "$(field .name) is there already. Its client id is $(field .client_id)"
  record=$(api GET "/applications/$(field .client_id)")
else
  record=$(jq -n --arg callback "$base/callback" '{name: "Vet Assist AI", template: "MCP client application", redirect_uris: [$callback]}' | api POST /applications --data @-)
  note "$(field .name) is registered. Its client id is $(field .client_id)"
fi
client=$(field .client_id)

step 'Authorize the MCP server to it'
# All six scopes, pet-profile:write too. This says what the application may ask for, of anybody; what somebody can give it is
# bounded by their role.
etag=$(field .etag)
jq -n --arg scopes "$all_scopes" '{scopes: ($scopes / " ")}' | api PUT "/applications/$client/authorizations/$server" -H "If-Match: $etag" --data @- >/dev/null
note "Vet Assist AI may ask for: $all_scopes"

step 'Fill the clinic with pets'
if [ -n "$bob_is_new${RESET_CLINIC:-}" ]; then
  api POST /clinic/reset | jq -r '"   \(.pets) pets of \(.owners) owners. Fido is Bob'"'"'s."'
else
  note 'Bob was there already, so the clinic stays as it is. RESET_CLINIC=1 fills it afresh.'
fi

# ---------------------------------------------------------------------------------------------------------------------
# Part 3: what may Bob's token do, and why?
#   granted = requested ∩ authorized for the client ∩ allowed by the user's roles ∩ consented
# ---------------------------------------------------------------------------------------------------------------------

# why shows for each scope whether Vet Assist AI gets it for Bob, and if not, which of the sets lack it.
why() {
  api GET "/why?user_id=$bob&client_id=$client&server_id=$server" |
    jq -r '.verdicts[] | "   \(.scope + " " * (20 - (.scope | length)))\(if .granted then "granted" else "not granted: lacks " + (.lacking | join(" and ")) end)"'
}

step 'Why: what does Vet Assist AI get for Bob?'
why

step 'Bob logs in, and consents'
discover "$base/mcp"
log_in bob bob "$client" "$base/callback" "$all_scopes"
note "Asked for: $all_scopes"
note "Granted:   $(jq -r .scope "$tmp/bob.tokens")"

step "When is Fido's next vaccination?"
# A call of a tool is JSON-RPC over HTTP, with the token in a header.
jq -n '{jsonrpc: "2.0", id: 1, method: "tools/call", params: {name: "get_pet_vaccination_info", arguments: {pet: "Fido"}, _meta: {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {name: "guide.sh", version: "1"}}}}' |
  curl -sS -o "$tmp/answer" "$base/mcp" -H "@$tmp/bob.header" -H 'Content-Type: application/json' -H 'Accept: application/json, text/event-stream' \
    -H 'MCP-Protocol-Version: 2026-07-28' -H 'Mcp-Method: tools/call' -H 'Mcp-Name: get_pet_vaccination_info' --data @-
said=$(jq -r '.result.content[0].text // .error.message' "$tmp/answer")
[ "$(jq '.result != null and .result.isError != true' "$tmp/answer")" = true ] || fail "The MCP server says: $said"
note "${said%%$'\n'*}"

step 'Take appointment:write from the role Pet Owner, and refresh'
# Bob's token knows nothing of it: it is good for what it says, until it expires. The next one is decided anew.
permit 'Pet Owner' "${owner_scopes/ appointment:write/}"
why | grep appointment:write
refresh bob
note "Bob's next token: $(jq -r .scope "$tmp/bob.tokens")"

step 'Put it back, and refresh'
permit 'Pet Owner' "$owner_scopes"
refresh bob
note "And the one after: $(jq -r .scope "$tmp/bob.tokens")"

cat <<DONE

Done. Now the same in the chat: open $base/setup and enter the client id
$client
Then ask for Fido at $base/ as bob. What happened here is in the audit log: $base/admin/audit
DONE
