-- What a curious reader sees: sqlite3 vetassist.db "SELECT * FROM pets". Read only, and never read by the code.
--
-- No view shows a password's hash, a key, a token, or the hash by which a code, a token or a cookie is found.
DROP VIEW IF EXISTS live;
CREATE VIEW live AS
    SELECT partition, sort, version, expires, body FROM items
    WHERE expires = 0 OR expires > unixepoch();

-- Who is who: package directory.

DROP VIEW IF EXISTS users;
CREATE VIEW users AS
    SELECT body ->> 'id' AS id, body ->> 'username' AS username, body ->> 'name' AS name,
           (SELECT group_concat(value, ', ') FROM json_each(body, '$.roles')) AS roles,
           coalesce(body ->> 'disabled', 0) AS disabled, body ->> 'created' AS created
    FROM live WHERE partition GLOB 'user/*' AND sort = 'profile';

DROP VIEW IF EXISTS passkeys;
CREATE VIEW passkeys AS
    SELECT substr(partition, 6) AS user_id, body ->> 'name' AS name, body ->> 'created' AS created, body ->> 'last_used' AS last_used -- user/<id>
    FROM live WHERE partition GLOB 'user/*' AND sort GLOB 'passkey/*';

DROP VIEW IF EXISTS roles;
CREATE VIEW roles AS
    SELECT body ->> 'name' AS name, p.key AS server,
           (SELECT group_concat(s.value, ' ') FROM json_each(p.value) AS s) AS scopes,
           body ->> 'description' AS description
    FROM live LEFT JOIN json_each(body, '$.permissions') AS p
    WHERE partition = 'policy/all' AND sort GLOB 'role/*';

DROP VIEW IF EXISTS mcp_servers;
CREATE VIEW mcp_servers AS
    SELECT body ->> 'identifier' AS identifier, body ->> 'name' AS name, body ->> 'url' AS url,
           (SELECT group_concat(value ->> 'name', ' ') FROM json_each(body, '$.scopes')) AS scopes
    FROM live WHERE partition = 'policy/all' AND sort GLOB 'server/*';

DROP VIEW IF EXISTS scopes;
CREATE VIEW scopes AS
    SELECT body ->> 'identifier' AS server, s.value ->> 'name' AS name, s.value ->> 'title' AS title,
           coalesce(s.value ->> 'open', 0) AS open, s.value ->> 'description' AS description
    FROM live, json_each(body, '$.scopes') AS s
    WHERE partition = 'policy/all' AND sort GLOB 'server/*';

DROP VIEW IF EXISTS clients;
CREATE VIEW clients AS
    SELECT body ->> 'id' AS id, body ->> 'name' AS name, body ->> 'template' AS template,
           coalesce(body ->> 'source', 'admin') AS source, body ->> 'application_type' AS application_type,
           (SELECT group_concat(value, ' ') FROM json_each(body, '$.redirect_uris')) AS redirect_uris,
           (SELECT group_concat(value, ' ') FROM json_each(body, '$.grant_types')) AS grant_types,
           body -> 'authorized' AS authorized, body ->> 'secret_hash' IS NOT NULL AS has_secret,
           (SELECT group_concat(value, ', ') FROM json_each(body, '$.roles')) AS roles, -- of one that acts for no user
           coalesce(body ->> 'disabled', 0) AS disabled, body ->> 'created' AS created,
           body ->> 'url' AS url, -- of the document that describes it
           body ->> 'auth_method' AS auth_method, -- private_key_jwt: it has a key in place of a secret
           coalesce(body ->> 'require_pushed_authorization_requests', 0) AS pushed_only, coalesce(body ->> 'dpop_bound_access_tokens', 0) AS bound_tokens,
           (SELECT group_concat(value, ' ') FROM json_each(body, '$.post_logout_redirect_uris')) AS logout_uris,
           body ->> 'may_act' AS may_act -- the agent that may act for its users
    FROM live WHERE partition GLOB 'client/*' AND sort = 'client';

DROP VIEW IF EXISTS trusted_issuers; -- elsewhere, whose word counts here
CREATE VIEW trusted_issuers AS
    SELECT body ->> 'id' AS id, body ->> 'name' AS name, body ->> 'url' AS url, body ->> 'kind' AS kind,
           coalesce(body ->> 'enabled', 0) AS enabled, (SELECT group_concat(value, ' ') FROM json_each(body, '$.clients')) AS clients,
           (SELECT group_concat(value ->> 'subject', ' ') FROM json_each(body, '$.workloads')) AS workloads,
           body ->> 'match' AS match, body ->> 'created' AS created
    FROM live WHERE partition = 'trust/all' AND sort GLOB 'issuer/*';

DROP VIEW IF EXISTS consents;
CREATE VIEW consents AS
    SELECT body ->> 'user_id' AS user_id, body ->> 'client_id' AS client_id, body ->> 'server' AS server,
           (SELECT group_concat(value, ' ') FROM json_each(body, '$.scopes')) AS scopes,
           body ->> 'since' AS since, body ->> 'changed' AS changed
    FROM live WHERE partition GLOB 'user/*' AND sort GLOB 'consent/*';

-- What is going on: packages access, oauth and app.

DROP VIEW IF EXISTS sessions; -- logins at the authorization server
CREATE VIEW sessions AS
    SELECT body ->> 'user_id' AS user_id, body ->> 'since' AS since, datetime(expires, 'unixepoch') AS expires,
           body ->> 'method' AS method, body ->> 'from' AS address, body ->> 'agent' AS browser
    FROM live WHERE partition GLOB 'login/*' AND sort = 'session';

DROP VIEW IF EXISTS codes; -- authorization codes of the last hour; each may be redeemed for a minute
CREATE VIEW codes AS
    SELECT body ->> 'user_id' AS user_id, body ->> 'client_id' AS client_id, body ->> 'server' AS server,
           (SELECT group_concat(value, ' ') FROM json_each(body, '$.scopes')) AS scopes,
           body ->> 'redirect_uri' AS redirect_uri, body ->> 'grant_id' IS NOT NULL AS used, body ->> 'expires' AS expires
    FROM live WHERE partition GLOB 'code/*';

DROP VIEW IF EXISTS grants; -- what applications hold for users
CREATE VIEW grants AS
    SELECT body ->> 'user_id' AS user_id, body ->> 'client_id' AS client_id, body ->> 'server' AS server,
           (SELECT group_concat(value, ' ') FROM json_each(body, '$.scopes')) AS scopes,
           body ->> 'since' AS since, body ->> 'last_used' AS last_used, body ->> 'ends' AS ends,
           body ->> '$.vouched.issuer' AS vouched_by, -- id of the trusted issuer; no consent then
           body ->> 'key' AS bound_to -- thumbprint of the key that its refresh tokens are bound to
    FROM live WHERE partition GLOB 'grant/*';

DROP VIEW IF EXISTS signing_keys; -- as published
CREATE VIEW signing_keys AS
    SELECT body ->> 'kid' AS kid, body ->> 'created' AS created, body ->> 'signs_from' AS signs_from,
           body ->> 'signs_until' AS signs_until, iif(expires > 0, datetime(expires, 'unixepoch'), NULL) AS published_until
    FROM live WHERE partition GLOB 'public-key/*';

DROP VIEW IF EXISTS audit; -- who did what, in the last ninety days: SELECT * FROM audit ORDER BY time DESC
CREATE VIEW audit AS
    SELECT body ->> 'time' AS time, body ->> 'event' AS event, body ->> 'outcome' AS outcome, body ->> 'user_id' AS user_id,
           body ->> 'client_id' AS client_id, body ->> 'from' AS address, body ->> 'request_id' AS request_id, body -> 'details' AS details
    FROM live WHERE partition GLOB 'audit/[0-9]*';

DROP VIEW IF EXISTS app_sessions; -- browsers that talk to the chat app
CREATE VIEW app_sessions AS
    SELECT body ->> 'created' AS created, body ->> 'seen' AS seen, body -> 'login' IS NOT NULL AS connected,
           (SELECT group_concat(value, ' ') FROM json_each(body, '$.login.scopes')) AS scopes,
           datetime(expires, 'unixepoch') AS expires
    FROM live WHERE partition GLOB 'app/session/*' AND sort = 'session';

-- The clinic: package clinic.

DROP VIEW IF EXISTS owners;
CREATE VIEW owners AS
    SELECT body ->> 'id' AS id, body ->> 'name' AS name
    FROM live WHERE partition GLOB 'clinic/person/*' AND sort = 'profile';

DROP VIEW IF EXISTS pets;
CREATE VIEW pets AS
    SELECT body ->> 'id' AS id, body ->> 'name' AS name, body ->> 'species' AS species, body ->> 'breed' AS breed,
           body ->> 'sex' AS sex, body ->> 'birth_date' AS birth_date, body ->> 'weight_kg' AS weight_kg,
           body ->> 'microchip' AS microchip, body ->> 'notes' AS notes,
           body ->> '$.owner.id' AS owner_id, body ->> '$.owner.name' AS owner
    FROM live WHERE partition GLOB 'clinic/person/*' AND sort GLOB 'pet/*';

DROP VIEW IF EXISTS vaccinations;
CREATE VIEW vaccinations AS
    SELECT substr(sort, 13, instr(substr(sort, 13), '/') - 1) AS pet_id, -- vaccination/<pet>/<date>/<code>
           body ->> 'date' AS date, body ->> 'vaccine' AS vaccine, body ->> 'batch' AS batch
    FROM live WHERE partition GLOB 'clinic/person/*' AND sort GLOB 'vaccination/*';

DROP VIEW IF EXISTS appointments;
CREATE VIEW appointments AS
    SELECT body ->> 'id' AS id, body ->> '$.pet.id' AS pet_id, body ->> 'owner' AS owner_id, body ->> 'date' AS date,
           body ->> 'time' AS time, body ->> 'kind' AS kind, body ->> 'vet' AS vet, body ->> 'reason' AS reason,
           CASE WHEN body ->> 'cancelled' THEN 'cancelled' WHEN unixepoch(body ->> 'start') > unixepoch() THEN 'booked'
                ELSE 'past' END AS status
    FROM live WHERE partition GLOB 'clinic/person/*' AND sort GLOB 'appointment/*';

DROP VIEW IF EXISTS reminders;
CREATE VIEW reminders AS
    SELECT body ->> 'id' AS id, substr(partition, 15) AS user_id, body ->> 'text' AS text, body ->> 'date' AS date, -- clinic/person/<user>
           body ->> 'time' AS time, body ->> '$.pet.id' AS pet_id
    FROM live WHERE partition GLOB 'clinic/person/*' AND sort GLOB 'reminder/*';

DROP VIEW IF EXISTS tickets;
CREATE VIEW tickets AS
    SELECT body ->> 'id' AS id, body ->> 'from' AS user_id, body ->> 'created' AS created, body ->> 'subject' AS subject,
           body ->> 'message' AS message, body ->> 'contact' AS contact
    FROM live WHERE partition GLOB 'clinic/person/*' AND sort GLOB 'ticket/*';
