"""Lines without a secret that look as if they had one: a template a line, filled by ``values.fill``."""

from __future__ import annotations

import random

from rune.bench.corpus import foreign
from rune.bench.corpus.planted import Item, held_out, rows
from rune.bench.corpus.values import fill

HASHES = r"""
commit {h40}
{h7} {verb} the {word} token before the {word} key
Merge: {h7} {h7}
index {h7}..{h7} 100644
HEAD is now at {h7} Rotate the signing key
Updating {h7}..{h7}
fixed in {h40} by resetting the password form
https://github.com/acme/{word}/commit/{h40}
https://github.com/acme/{word}/blob/{h40}/{file}#L{n2}
{h64}  {word}.tar.gz
sha256:{h64}
Digest: sha256:{h64}
FROM python:3.12-slim@sha256:{h64}
Successfully built {h12}
uses: actions/checkout@{h40}
{h32}  release.zip (md5)
  key: node-modules-${{ runner.os }}-{h64}
Cache restored from key: Linux-node-{h64}
cache key {h40} missed
ETag: "{h32}"
If-None-Match: W/"{h40}"
request_id={uuid} status=500 token refresh failed
trace_id={h32} span_id={h16}
session_id: {uuid}
{"sessionId":"{uuid}","type":"user"}
X-Request-Id: {uuid}
Idempotency-Key: {uuid}
"id": "{uuid}", "key": "{word}-{n3}"
correlation id {uuid}: password reset mail queued
toolu_01{w22}
"requestId": "req_01{w22}"
arn:aws:iam::{n12}:role/{word}-deployer
arn:aws:secretsmanager:eu-west-1:{n12}:secret:prod/{word}-{w6}
vpc-{h17} subnet-{h17} sg-{h17}
i-{h17} is running
pod/{word}-api-{x10}-{x5} restarted
container {h64} exited with 137
layer {h12}: Already exists
key fingerprint SHA256:{b43}
SHA256:{b43} {user}@{host} (ED25519)
gpg: using RSA key {H40}
gpg: key {H16}: public key imported
Key ID: {H16}
snapshot {h56} removed
{"integrity":"{h64}","file":"{word}.wasm"}
build-{n8}.{n1}-{h7}
token bucket {h8} refilled
{day}T{time}Z {level} key={word}:{n6} hit=true ttl=300
object {h40} has type blob
 create mode 100644 tests/fixtures/{h32}.json
GET /static/js/main.{h8}.chunk.js 200
x-amz-version-id: {w32}
"etag": "\"{h32}-{n1}\"",
"nodeId": "PR_kwDO{w16}"
checksum = "{h64}"
"""

LOCKFILES = r"""
"integrity": "sha512-{b86}=="
      integrity: sha512-{b86}==
  integrity sha512-{b86}==
  resolved "https://registry.yarnpkg.com/{package}/-/{package}-4.1.{n1}.tgz#{h40}"
  "resolved": "https://registry.npmjs.org/{package}/-/{package}-7.0.{n1}.tgz",
github.com/acme/{word} v1.4.{n1} h1:{b43}=
github.com/acme/{word} v1.4.{n1}/go.mod h1:{b43}=
    {file = "{package}-1.2.{n1}-py3-none-any.whl", hash = "sha256:{h64}"},
    --hash=sha256:{h64} \
"content-hash": "{h32}",
content-hash = "{h64}"
"shasum": "{h40}"
"reference": "{h40}",
  sha256 "{h64}"
narHash = "sha256-{b43}=";
<script src="https://cdn.example.com/a.js" integrity="sha384-{b64}" crossorigin="anonymous"></script>
resolution: {integrity: sha512-{b86}==}
checksum: 10c0/{h128}
  {package} ({n1}.{n1}.0) sha256={h64}
"_id": "{package}@4.17.{n2}",
"{package}@npm:^7.{n1}.0":
"packageManager": "pnpm@9.{n1}.0+sha512.{h128}"
"""

BLOBS = r"""
<img src="data:image/png;base64,iVBORw0KGgo{b300}=">
background: url(data:image/svg+xml;base64,PHN2Zy{b200}==);
src: url(data:font/woff2;base64,d09GMgABAAAAA{b240}=) format("woff2");
//# sourceMappingURL=data:application/json;base64,eyJ2ZXJzaW9uIjozLCJzb3VyY2VzIjpbXX0=
"image": "/9j/4AAQSkZJRgABAQ{b300}"
"data": "UEsDBBQAAAAI{b200}"
-----BEGIN CERTIFICATE-----⏎MIID{b60}⏎{b64}⏎-----END CERTIFICATE-----
-----BEGIN PUBLIC KEY-----⏎MIIB{b60}⏎-----END PUBLIC KEY-----
ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{b43} {user}@{host}
ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQ{b330} deploy
{host} ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{b43}
"mappings": "AAAA,SAASA,EAAM;AACX,OAAO,CAAC,{w40}"
d="M12 2C6.48 2 2 6.48 2 12s4.48 10 10 10 10-4.48 10-10S17.52 2 12 2z"
0000{n2}0: 4d5a 9000 0300 0000 0400 0000 ffff 0000  MZ..............
payload (base64): {b160}==
\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR
!function(e,t){"object"==typeof exports?module.exports=t():e.{word}=t()}(this,function(){return 42});
"""

ADDRESSES = r"""
https://{host}/api/{word}?page=2&sort=key&order=asc
https://docs.example.com/auth/tokens#refresh-token-rotation
git@github.com:acme/{word}.git
ssh://git@git.example.com/acme/{word}.git
http://localhost:4873/@acme/{word}
postgres://localhost:5432/{word}
postgresql://{user}@{host}/{word}
redis://{host}:6379/0
mongodb://{host}:27017,{host}:27018/{word}?replicaSet=rs0
DATABASE_URL=postgres://${DB_USER}:${DB_PASSWORD}@{host}/{word}
"postgresql://" + user + ":" + password + "@" + host
f"postgresql://{user}:{password}@{host}:{port}/{name}"
amqp://{{ user }}:{{ password }}@{host}:5672
postgres://<user>:<password>@<host>/<db>
jdbc:postgresql://{host}:5432/{word}
https://user:****@{host}/repo.git
s3://acme-artifacts/{word}/{h40}.tar.gz
https://{word}.s3.amazonaws.com/{uuid}/report.pdf
vault kv get secret/data/prod/{word}
op://infra/{word}/password
https://console.example.com/projects/{word}/keys
docker pull ghcr.io/acme/{word}:{h7}
http://[::1]:8080/healthz and 192.168.1.{n2}:9000
npm install {package}@4.{n2}.0 {package}@2.0.{n1}
mailto links are rendered by {file}
/home/{user}/.config/{word}/credentials.json
~/.ssh/id_ed25519 and ~/.aws/credentials
secrets/prod/{word}.enc.yaml
"""

PROSE = r"""
the password: field must not be empty
The password must be at least 12 characters long.
password is required
Invalid username or password.
the token expired, so the client asked for a new one
Forgot your password? Reset it from the login page.
- **Learning**: The password reset token is compared with ==; use a constant-time comparison.
- **Learning**: API keys are read from the environment; tests set a fake one in conftest.
- **Evidence**: `{file}:{n2}` — token is refreshed in two places
- **Evidence**: `{file}:{n2}-{n3}` — password is hashed with bcrypt, cost 12
### [{day}] Pattern: Secrets are logged when the request fails
### [{day}] Observation: {camel} drops the auth token
Note: password hashing moved from bcrypt to argon2id in {h7}.
The secret is to run the {word} before the {word}.
key: value pairs are sorted before they are hashed
The key is that {word}s are immutable.
Bearer tokens are rejected when the clock is off.
bearer authentication is documented in {file}
Use an Authorization: Bearer header with the token from /login.
Set API_KEY before running the tests.
Error: missing required environment variable DATABASE_PASSWORD
fatal: Authentication failed for 'https://github.com/acme/{word}.git/'
{day}T{time}Z {level} token validation failed for user {n5}: signature mismatch
{day} {time} {level} password changed for user id {n5}
WARNING: password: prompt timed out after 30 seconds
401 Unauthorized: token missing
the access key is rotated every 90 days
api_key: string, required. The key of your account.
password: the password of the database user (default: none)
| password | string | yes | The user's password |
| `token` | `string` | Bearer token for the API |
--password string   password of the registry user
--token TOKEN       access token to use (env: GITHUB_TOKEN)
  -p, --password    read the password from stdin
Enter password:
Password for 'https://{user}@github.com':
[sudo] password for {user}:
?  Personal access token:
password_confirmation must match password
Passwords do not match, token count 12
secret scanning found 0 secrets in {n3} files
used {n5} tokens ({n4} cached), {n2} turns
"max_tokens": {n4}, "total_tokens": {n5}
tokens per second: {n3}.{n1}
Primary key: id; foreign key: {word}_id
the cookie: banner is shown once
cookies: session, theme and locale are set by {file}
Secret "{word}-tls" created
secret/{word} configured
TASK [vault : rotate password] ok: [{host}]
tests/test_password_reset.py::test_{ident} PASSED
FAIL {file} > rejects an empty password (12 ms)
the "password" column is nullable
credential helper osxkeychain is not installed
why is the password hash compared twice?
  ✓ should return 401 when the token is missing ({n2}ms)
I asked for the password to be hidden while typing
auth: token refresh is handled by the {word}
"""

CODE = r"""
token = os.environ["X"]
token = os.environ["{WORD}_TOKEN"]
password = os.getenv("DB_PASSWORD", "")
password=get_secret()
password = getpass.getpass("Password: ")
api_key = settings.{word}_api_key
api_key=config["api_key"],
const token = process.env.GITHUB_TOKEN;
const apiKey = await getSecret('{word}-api-key');
password := viper.GetString("db.password")
secret, err := client.Secret(ctx, name)
password: string;
password?: string | null
  token: z.string().min(1),
password = models.CharField(max_length=128)
def login(username: str, password: str) -> Token:
func NewClient(token string, secret []byte) *Client {
public boolean check(String password, String hash) {
self.token = token
this.password = password;
if password != confirm_password:
if (token === undefined) return null;
if token.kind == TokenKind.IDENT:
Token(type='NAME', value='{ident}')
token_type = "bearer"
{"token_type": "Bearer", "expires_in": 3600}
tokenizer = AutoTokenizer.from_pretrained("{word}-base")
eos_token = "<|endoftext|>"
primary_key=True, key="{word}", sort_key=lambda x: x.key
<Item key={item.id} token={token} />
key={`${{word}.id}-${index}`}
GITHUB_TOKEN: ${{ secrets.GITHUB_TOKEN }}
password: ${{ secrets.DB_PASSWORD }}
password: {{ .Values.db.password | quote }}
password = var.db_password
password = data.aws_secretsmanager_secret_version.{word}.secret_string
{"name": "DB_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "{word}", "key": "password"}}}
secretKeyRef: { name: {word}, key: password }
password: !vault |
api_key: ENC[AES256_GCM,data:{b24}==,iv:{b43}=,type:str]
export TOKEN=$(gh auth token)
export API_KEY="$(cat /run/secrets/api_key)"
PASSWORD=${DB_PASSWORD:-}
PGPASSWORD="$POSTGRES_PASSWORD" psql -h {host} -U {user}
curl -H "Authorization: Bearer $TOKEN" https://{host}/{word}
curl -u "$USER:$PASS" https://{host}/{word}
docker login -u "$USER" --password-stdin < token.txt
mysql -u {user} -p {word}
read -s -p "Password: " PASSWORD
headers["Authorization"] = f"Bearer {token}"
headers: { Authorization: `Bearer ${accessToken}` },
req.Header.Set("Authorization", "Bearer "+token)
Authorization: Bearer <token>
api_key = "<your-api-key>"
API_KEY=your_api_key_here
TOKEN=xxxxxxxxxxxxxxxx
password: "********"
SECRET_KEY=changeme
ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
sk-...
AKIAXXXXXXXXXXXXXXXX
"password": "[hidden]",
password = None
token: Optional[str] = None
password=PASSWORD, token=TOKEN
assert response.json()["token"]
expect(screen.getByLabelText("Password")).toBeVisible();
cy.get('input[name="password"]').should("have.value", "")
<input type="password" name="password" autocomplete="current-password" />
<label for="password">Password</label>
CREATE TABLE users (id bigint PRIMARY KEY, password_hash text NOT NULL, api_key uuid);
SELECT token, password FROM users WHERE key = $1;
ALTER TABLE {word}s ADD COLUMN token VARCHAR(64);
class PasswordResetTokenGenerator(TokenGenerator):
import { useAuthToken, TokenStorage } from "@/lib/token-storage";
from app.security import hash_password, verify_password
from {word}.oauth2.token import {camel}
com.example.security.oauth2.provider.token.store.{camel}
{camel}Password({camel}Token)
test_{ident}_with_password_and_token
token_{ident} = {camel}(tokens, key)
PASSWORD_MIN_LENGTH = 12
TOKEN_EXPIRY_SECONDS = 3600
secret_name: {word}-credentials
secretName: {word}-tls
password_file: /run/secrets/{word}
credentials: "include",
auth: { type: "oauth2", flow: "implicit" }
"key": "{camel}",
"tokens": ["hello", "world"],
--color-token-primary: #{h6};
with_password(lambda password: check(password))
passwords = [row.password for row in rows]
printf("password: %s\n", mask(password));
fmt.Errorf("token %q: %w", name, err)
logger.info("token refreshed for %s", user_id)
raise ValueError("password must not be empty")
throw new Error('Invalid API key: ' + key.slice(0, 4));
help="API key; read from {WORD}_API_KEY if not given"
SSH_AUTH_SOCK=/tmp/ssh-{w10}/agent.{n4}
GOOGLE_APPLICATION_CREDENTIALS=/etc/{word}/service-account.json
Cookie: ${cookie}
"cookie": "0.7.{n1}",
"cookie-parser": "^1.4.{n1}",
"jsonwebtoken": "^9.0.{n1}",
"key-{word}": "^1.{n1}.0"
nextPageToken = response.next_page_token
"""

MAIL = r"""
- **Evidence**: `npm install {package}@4.17.{n2}` resolved a broken version
- **Evidence**: `uses: actions/checkout@v4.{n1}.0` pins no digest
- **Evidence**: `git clone git@github.com:acme/{word}.git` hangs
- **Evidence**: `@pytest.mark.parametrize` runs `{file}` twice
- **Evidence**: `systemctl restart {word}@1.service` failed
- **Evidence**: `assets/logo@2x.png` is loaded at any density
- **Evidence**: `@acme/{word}` imports `@/lib/{word}`
- **Evidence**: `image: acme/{word}@sha256:{h64}`
- **Evidence**: `scp build.tar {user}@10.0.{n1}.{n2}:/srv`
- **Evidence**: `{file}:{n2}` — `x @ y.T` is slow
"""
"""Evidence with an @ that belongs to no address of a person."""

TABLES = {
    "hashes and identifiers": HASHES, "lock files": LOCKFILES, "base64 and keys": BLOBS,
    "addresses": ADDRESSES, "prose": PROSE, "code": CODE, "evidence with @": MAIL,
    "gitleaks' tests": foreign.CLEAN,
}  # fmt: skip


SETTINGS = "{}", "{}", "    {}", "+{}", "-  {}", "{n3}:{}", "{file}:{n2}:{}", "{n4}\t{}", "> {}", "{time} {}"
"""What stands around a line where a tool shows it."""


def look_alikes(dice: random.Random, number: int) -> list[Item]:
    """So many distinct clean texts, each template about as often as any other."""
    every = [(kind, line) for kind, table in TABLES.items() for line in rows(table)]
    made: dict[str, Item] = {}
    while len(made) < number:
        kind, line = dice.choice(every)
        around = "{}" if "⏎" in line or kind == "evidence with @" else dice.choice(SETTINGS)
        text = fill(dice, around).replace("{}", fill(dice, line)).replace("⏎", "\n")
        made[text] = Item(kind, text, (), kind == "evidence with @", held_out(line), line)
    return list(made.values())
