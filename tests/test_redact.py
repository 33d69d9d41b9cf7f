"""What the redactor takes out, what it leaves, and that no input can hurt it."""

import base64
import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rune.redact import redact, redact_value

SECRETS = r"""
aws-access-key    | AKIA~IOSFODNN7EXAMPLE
aws-secret-key    | aws_secret_access_key = «wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY»
aws-secret-key    | AKIA~IOSFODNN7EXAMPLE,«wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY»
github-token      | export GITHUB_TOKEN=«ghp_~abcdefghijklmnopqrstuvwxyz0123456789»
github-token      | github_pat_~11ABCDEFG0abcdefghijkl_abcdefghijklmnopqrstuvwxyz
gitlab-token      | glpat-~abcdefghij1234567890
openai-key        | "OPENAI_API_KEY": "«sk-~proj-abc123DEF456ghi789JKL012mno345»"
anthropic-key     | sk-ant-~api03-abcdefghijklmnopqrstuvwxyz0123456789-AA
slack-token       | xoxb-~123456789012-abcdefghijkl
webhook           | https://hooks.slack.com/services/«T00000000/B00000000/~abcdefghijkl»
stripe-key        | sk_live_~4eC39HqLyjWDarjtT1zdp7dc
google-key        | AIza~SyDaGmWKa4JsXZ-HjGw7ISLn_3namBGewQe
npm-token         | npm_~abcdefghijklmnopqrstuvwxyz0123456789
pypi-token        | pypi-~AgEIcHlwaS5vcmcCJDEyMzQ1Njc4OTAxMjM0NTY3ODkw
huggingface-token | hf_~abcdefghijklmnopqrstuvwxyzABCDEFGH
twilio-key        | SK~0123456789abcdef0123456789abcdef
sendgrid-key      | SG.~abcdefghijklmnopqrstuv.abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG
jwt               | ey~JhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc-DEF_123
jwt               | ey~JhbGciOiJIUzI1NiJ9.eyJzdWI
password          | DB_PASSWORD=«hunter2»
password          | db_password: «hunter2»
password          | password: «letmein»
password          | password = "«correct horse battery staple»"
password          | password: str = "«hunter2»"
password          | if password == "«hunter2»":
password          | {"password": "«hunter»"}
password          | {\"password\": \"«hunter»\"}
password          | {\\\"password\\\": \\\"«hunter»\\\"}
password          | {"text": "line\nDB_PASSWORD=«hunter2»\nX=1"}
password          | <password>«hunter2»</password>
password          | Server=x;User Id=sa;Password=«Hunter2!»;
password          | password=«P@ss(w0rd)»
password          | pwd: «Tr0ub4dor&3»
password          | the password is «hunter2».
password          | the password is «hunter2», the user is bob
password          | password is «Tr0ub4dor&3xyzzy»
password          | password is «correct&horse!» and stays
password          | the password «hunter2secret!» was wrong
password          | The password "«hunter2secret»" was wrong
password          | with passphrase «Xk29fmQp» it opens
password          | log in with the password «p@ssword&more», please
password          | deploy --password «hunter2» --force
password          | deploy --password «letmein» --force
password          | deploy --password=«hunter» --force
password          | mysql -u root -p«secret123» db
password          | password: «SHVudGVyVHdv=»
password          | const PASSWORD: &str = "«hunter2»"
password          | {"name": "DB_PASSWORD", "value": "«hunter2»"}
password          | <add key="password" value="«hunter2»"/>
password          | - name: DB_PASSWORD
  value: «hunter2»
password          | curl -u admin:«s3cr3t» https://example.com
password          | machine api.github.com login bob password «s3cretpw»
password          | machine api.github.com
  login bob
  password «s3cretpw»
token             | deploy --token «abc123def456»
token             | SECRET_TOKEN=«tok_9a8b7c6d5e»
token             | "token": "«a94a8fe5ccb19ba61c4c0873d391e987982fbbd3»"
token             | //registry.npmjs.org/:_authToken=«a1b2c3d4-1234-5678-9abc-def012345678»
api-key           | 'api_key': '«abcdef123456»'
api-key           | x-api-key: «9f8e7d6c5b4a»
api-key           | SECRET_KEY='«django-insecure-abc123$%^xyz»'
api-key           | HEROKU_API_KEY=«01234567-89ab-cdef-0123-456789abcdef»
api-key           | DATADOG_KEY=«aB3dE5fG7hJ9kL1mN3pQ5rS7tU9v»
api-key           | azure_storage_key: "«p8PH+PhCCcWckxhEp+YgpWlyOBBea7q9GbQL6lvjjS==»"
api-key           | let api_key = String::from("«phxFgN34bmD5EoG257GnaC4lwIFmr1bq»");
api-key           | | `SIGNING_KEY` | `«9eaeddd0da411e4f692edd5867cdf240»` | production |
secret            | mySecretString=«DQkM1DcRbp6Mnm2Uk2P2zhG661UUMD3y»
secret            | aws ssm put-parameter --type SecureString --value «rbUGXfo1cbQhtqo1nupnNGe»
secret            | if ("«lm7xbz6quYKKRewsRlDk9y»" !== secret) {
secret            | creds = «WpkqekSEas00TT4IxJrcqChepw7EZUKt»
token             | var apiToken string = "«s2uOExO6tLCj9NBGym4kF5vb»"
token             | API_TOKEN ::= "«tk7eCVHy7tJ1iwFKnDdfvj9qrYVq1O»"
token             | API_TOKEN ?= "«7ibaxoPdanoSotXoQ2WIBgh4»"
token             | $apiToken .= "«lA7zqNBNDsc0QpFLG5XtvNk7cFrHco»"
token             | System.setProperty("API_TOKEN", "«s2uOExO6tLCj9NBGym4kF5vb»")
token             | api_token: |
  «23GlmdfSAx5RtPi9uqhPGopc5hH6vB»
token             | <apiToken>«053a5a36-b8e1-4724-96d3-8f6d9c02de4e»</apiToken>
bearer-token      | {"auth": {"bearer": "«9b89c7f8fea4d2e1757b488c2309c857e4382f8e»"}}
password          | define('DB_PASSWORD', '«Falcon2755!»');
password          | variable "db_password" { default = "«Falcon2755!»" }
password          | ALTER USER app WITH PASSWORD '«velvet-rocket-43»';
password          | CREATE USER 'app'@'%' IDENTIFIED BY '«kfDlgFNtQQL5JpCEa1z»';
password          | ConvertTo-SecureString "«monkeydragon»" -AsPlainText
password          | keytool -list -storepass «thundermaple»
password          | openssl rsa -passin pass:«P3pp3rl4n73rn70» -in key.pem
password          | requirepass «tiger-copper-89»
password          | mysqldump -uroot -p'«monkey»' shop
password          | docker login --username me --password «falconlantern» registry.example.com
password          | curl --user ':«zM0UOWW#eXUs»' https://example.com
password          | curl -X POST \
  -u me:«Winter1558!»
password          | "Default": "Host=db;Username=app;Password=«falcon»"
password          | psql "host=db user=app password=«falcon»"
password          | builder.password("«Hunter2024»")
password          | if ("«hunter2»" == password) {
password          | «M4pl3f4lc0n41» is the password
password          | set the password to «T1g3rf4lc0n77» and restart
password          | its password is now «Purpl3m0nk3y78»
password          | the passphrase for the key is «H4rb0rl4n73rn33»
password          | the password is «pepper-copper-monkey-36»
basic-auth        | _auth=«dXNlcjpwYXNzd29yZA==»
bearer-token      | Authorization: Api-Token «YiYbI71e8mXaG7L0DbjVF16OMKnASYZA»
tavily-key        | tvly-~Kj8Cfum4JgeWIeYAomK4nd6UV1WDorGh
fly-token         | fo1_~nEtkYPwsRSomIF3epM5yFECzDb4GfFKUfcCDLlYcSQO
pulumi-token      | pul-~ed7c9896828e5ac5bfd6ee87bd330264cfba9924
sonar-token       | squ_~ed7c9896828e5ac5bfd6ee87bd330264cfba9924
api-key           | AccountKey=«abcdefABCDEF0123456789+/==»;EndpointSuffix=core.windows.net
secret            | JWT_SECRET=«supersecretvalue»
secret            | client_secret: "«mysecretvaluehere»"
bearer-token      | Authorization: Bearer «abcdef123456»
bearer-token      | "Authorization": "Bearer «abcdef123456»"
bearer-token      | -H "Authorization: token «0123456789abcdef»"
basic-auth        | Authorization: Basic «dXNlcjpwYXNz»
basic-auth        | "auth": "«dXNlcjpwYXNzd29yZA==»"
basic-auth        | curl -H "Authorization: Basic «YWRtaW46U3VwM3JTM2NyZXQ=»" https://example.com
basic-auth        | curl -H 'Authorization: Basic «YWRtaW46U3VwM3JTM2NyZXQ=»' -H 'Accept: x'
api-key           | curl -H "X-Api-Key: «WRtaW46U3VwM3JTM2NyZXQ=»"
aws-secret-key    | aws configure set aws_secret_access_key «wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY»
api-key           | ENV SECRET_KEY «9f8e7d6c5b4a39281706»
password          | docker login -u me -p «Sup3rS3cret» registry.example.com
cookie            | Cookie: «session=abc123def456; theme=dark»
url-password      | postgres://admin:«p4ss»@db:5432/x
url-password      | postgres://admin:«p4s/s»@db:5432/x
url-password      | redis://:«hunter»@localhost:6379
url-token         | https://«0123456789abcdefghij»@git.example.com/x
url-token         | https://example.com/a?token=«abc123»&x=1
url-token         | https://example.com/a?x=1&access_token=«abcdefgh12»
"""

KEPT = r"""
commit 3f786850e387550fdab836ed7e6dc881de23001b
sha256 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
id 123e4567-e89b-12d3-a456-426614174000
the password is checked in auth.py
the password is sha256-hashed
the password is *required*
the password <x> was wrong
the password reset was wrong
the password incorrect! error
the password bcrypt2024x is an algorithm
Test the password RFC-7617x header
check the password validate() function
password && confirmed
passwd deploy2024
Change password POST /users/2fa1234
password VARCHAR(255), token
the password `user_name1` field
type=password name=login1pass
password must be at least 8 characters
"password": "Password is required"
print("Enter the password:")]
the token expired: see docs/auth.md
token: str
  password: string;
  token?: string;
password: str = None
password=None
password: os.environ["X"]
password = os.environ.get("DB_PASSWORD")
password_hash = bcrypt.hashpw(password)
gh auth login -p https
<input type="password" value="{{ value }}" name="x">
{"name": "DB_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "db"}}}
the password value: see below
docker login registry.example.com && docker run -p 8080:80 web
SECRET_KEY must_be_set_in_production
def check_password(user, password: str, token: Optional[str] = None) -> bool:
self.password = password
connect(password=pw, token=token)
connect(password=self.password)
api_key=get_key()
API_KEY=get_key()
api_key = "<your-key>"
api_key: ${TOKEN}
TOKEN=$TOKEN
token=xxx
password: "***"
Authorization: Bearer ${token}
"Authorization": f"Bearer {token}"
Authorization: Bearer <token>
"integrity": "sha512-9NykojV5Uih4lgo5So5dtw+f0JgJX30KCNI8gwhz2J9A15wD0Ml6tjHKwf6fTSa6fAdVBdZeNOs9eJ71qCk8vA=="
"max_tokens": 4096
eos_token="</s>"
token_type: bearer
TOKEN_FILE=/run/secrets/token
SSH_AUTH_SOCK=/tmp/ssh-abc123/agent.1
PWD=/root/x
cache-key: node-abc123
import { getToken } from "./token"
const token = req.headers.authorization
next(token for token in tokens if token.kind == "name")
git@github.com:org/repo.git
ssh://git@host/x
http://localhost:4873/@scope/pkg
https://github.com/org/repo/commit/3f786850e387550fdab836ed7e6dc881de23001b
/home/user/project/src/secret_store/token_cache.py
tests/test_password_reset.py::test_token_expiry PASSED
docker run -p 3306:3306 mysql -p3306:3306
task-some-long-identifier-name-here-1
this_is_a_very_long_identifier_name_that_goes_on_and_on_123456
if "-----BEGIN PRIVATE KEY-----" in text: raise ValueError("-----END PRIVATE KEY-----")
ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQC7 bob@host
AKIAXXXXXXXXXXXXXXXX and ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
arn:aws:secretsmanager:eu-west-1:999126956625:secret:prod/db-a1B2c3
password: !vault |
api_key: ENC[AES256_GCM,data:Zm9vYmFy1234==,iv:x,type:str]
export OPENAI_API_KEY=votre-clé-va-ici
print("=== All original tests pass ===")
print("widget with id='id_password':")
public_key = "9Cnzj4p4WGeKLs1Pt8QuKUpRKfFLfRYC9AIKjbJTWit"
publicToken = "9Cnzj4p4WGeKLs1Pt8QuKUpRKfFLfRYC9AIKjbJTWit"
cache_key = "aB3dE5fG7hJ9kL1mN3pQ5rS7tU9v"
MONKEY=aB3
"kms_key_id": "555ea4a3-d53a-4412-9c66-3a7cb667b0d6",
LLM_SECRET_NAME = "NEXUS-GPT4-API-KEY"
| `token` | `string` | the bearer token |
| password | VARCHAR(255) | required |
curl -u username:token https://example.com
curl -i -u 'test:test' https://example.com
curl -u <user:password> https://example.com
validate_password('django4242')
validate_secret("app2024x9")
src/PasswordField.tsx:14:PasswordInput2x9
the password is 3rd-party and the password to alice1@mail.example.com
if (token === undefined) return password == null
const token = tokens.length ? tokens[0] : null;
std::token::secret::Value2x9
"""


def rows(table: str) -> list[str]:
    return [row.replace("~", "") for row in table.strip("\n").replace("\n  ", "\0").split("\n")]


PEM = "\n".join(
    [
        "-----BEGIN RSA " + "PRIVATE KEY-----",
        *(base64.b64encode(random.Random(n).randbytes(48)).decode() for n in range(20)),
        "AbC1d==",
        "-----END RSA " + "PRIVATE KEY-----\n",
    ]
)


@pytest.mark.parametrize("row", rows(SECRETS))
def test_a_secret_becomes_its_type_and_the_rest_stays(row):
    kind, _, marked = (part.strip() for part in row.replace("\0", "\n  ").partition("|"))
    if "«" not in marked:
        marked = f"«{marked}»"
    before, secret, after = marked.replace("»", "«").split("«")
    text, counts = redact(before + secret + after)
    assert text.endswith(f"[redacted:{kind}]{after}")
    assert counts[kind] == 1
    assert secret not in text


@pytest.mark.parametrize("text", rows(KEPT))
def test_what_is_no_secret_stays_as_it_is(text):
    assert redact(text) == (text, {})


@pytest.mark.parametrize("cut", [(0, None), (0, 400), (0, -20), (0, -300), (300, None)])
@pytest.mark.parametrize("escapes", [0, 1, 2])
def test_no_line_of_a_private_key_is_left_however_it_is_cut_or_escaped(cut, escapes):
    text = PEM
    for _ in range(escapes):
        text = json.dumps(text)[1:-1]
    text, counts = redact("before\n" * (cut[0] == 0) + text[slice(*cut)])
    assert counts == {"private-key": 1}
    assert not any(line[1:-1] in text for line in PEM.split("\n")[1:21])


def test_two_private_keys_leave_what_is_between_them():
    text, counts = redact(f"one\n{PEM}the words between\n{PEM}two")
    assert counts == {"private-key": 2}
    assert text == "one\n[redacted:private-key]\nthe words between\n[redacted:private-key]\ntwo"


def test_a_private_key_printed_with_line_numbers_is_taken_out():
    for text in (PEM, PEM[:700]):
        numbered = "\n".join(f"{number:6}→{line}" for number, line in enumerate(text.split("\n")))
        assert not any(line[:20] in redact(numbered)[0] for line in PEM.split("\n")[1:21] if line)


@pytest.mark.parametrize("colour", ["\x1b[32m", "\x1b[01;31m", "\x1b[m\x1b[K"])
def test_the_colours_of_a_terminal_hide_no_secret(colour):
    token = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
    assert token not in redact(f"{colour}{token}\x1b[0m")[0]
    assert "hunter2x9" not in redact(f"\x1b[1mDB_PASSWORD\x1b[m\x1b[K={colour}hunter2x9\x1b[0m")[0]
    assert redact(f"{colour}3 passed\x1b[0m, token \x1b[mcount")[1] == {}


def test_a_private_key_cut_off_behind_tabbed_line_numbers_is_taken_out():
    key = "MIIEpAIBAAKCAQEA1234567890abcdefghij"
    lines = ["-----BEGIN RSA PRIVATE KEY-----", key, "abcdefghijklmnop0123456789"]
    text = "\n".join(f"{number:6}\t{line}" for number, line in enumerate(lines, 1))
    assert redact(text) == ("     1\t[redacted:private-key]", {"private-key": 1})


@pytest.mark.parametrize("sign", ["", "+", " ", "-"])
def test_a_private_key_that_a_patch_spreads_over_lines_is_taken_out_and_no_line_is_lost(sign):
    body = [base64.b64encode(random.Random(7).randbytes(48)).decode() for _ in range(5)]
    key = ["-----BEGIN RSA PRIVATE KEY-----", *body, "-----END RSA PRIVATE KEY-----"]
    lines = ["before", *(sign + line for line in key), "after"]
    made, counts = redact_value({"structuredPatch": [{"lines": lines}]})
    left = made["structuredPatch"][0]["lines"]
    assert len(left) == len(lines)
    assert (left[0], left[-1]) == ("before", "after")
    assert "".join(left[1:-1]) == f"{sign}[redacted:private-key]"
    assert counts == {"private-key": 1}


def test_emails_are_taken_out_only_where_asked_for():
    text = "Fixed by alice.b@mail.example.com, see git@github.com:org/repo"
    assert redact(text) == (text, {})
    clean = "Fixed by [redacted:email], see git@github.com:org/repo"
    assert redact(text, emails=True) == (clean, {"email": 1})


@pytest.mark.parametrize(
    "text",
    ["npm i lodash@4.17.21", "uses: a/checkout@v4.1.0", "logo@2x.png", "app@1.service", "me@10.0.1.2:/srv"],
)
def test_a_package_a_picture_or_a_unit_is_no_email(text):
    assert redact(text, emails=True) == (text, {})


def test_values_under_secret_keys_are_taken_out_of_json():
    value = {
        "password": "x", "api_key": "abcdef", "passwords": ["a", "b"], "nested": [{"token": "abc123xyz"}],
        "pin_password": 12345678, "max_tokens": 5, "token": "plain", "password_file": "/run/pw", "none": None,
        "json": '{"password":"zz"}', "Authorization": "Bearer abc123",
    }  # fmt: skip
    clean, counts = redact_value(value)
    assert clean == {
        "password": "[redacted:password]", "api_key": "[redacted:api-key]",
        "passwords": ["[redacted:password]"] * 2, "nested": [{"token": "[redacted:token]"}],
        "pin_password": "[redacted:password]", "max_tokens": 5, "token": "plain", "password_file": "/run/pw",
        "none": None, "json": '{"password":"[redacted:password]"}',
        "Authorization": "Bearer [redacted:bearer-token]",
    }  # fmt: skip
    assert counts == {"password": 5, "api-key": 1, "token": 1, "bearer-token": 1}


def test_a_secret_that_is_itself_a_key_is_taken_out_and_no_item_is_lost():
    secrets = [f"ghp_{letter}bcdefghijklmnopqrstuvwxyz0123456789" for letter in "az"]
    clean, _ = redact_value({secret: n for n, secret in enumerate(secrets)})
    assert clean == {"[redacted:github-token]": 0, "[redacted:github-token]'": 1}


PIECES = [
    "password", "DB_PASSWORD", "--token", "api_key", "Authorization", "Cookie", "Bearer ", "Basic ", "=",
    ": ", ":", '"', "'", "\\", "\\n", "\n", " ", "@", "://", "?", "&", "user", "hunter2", "a1b2c3d4e5f6",
    "[", "]", "(", ")", "[redacted:", "[redacted:jwt]", "{", "}", "<", ">", "sk-" + "ant-",
    "AKIA" + "IOSFODNN7EXAMPLE", ".", "eyJhbGciOi", "-----BEGIN RSA " + "PRIVATE KEY-----",
    "-----END RSA " + "PRIVATE KEY-----", " is ", "QUJDREVGR0hJSktMTU5PUA", "machine ", "login ",
    "curl -u ", "mysql -p", "İ", "ſ", "é", "\ud800", "\0", "%3D", "$", "x" * 200, ";", ",",
]  # fmt: skip
texts = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=5)), max_size=25).map("".join)


@settings(max_examples=400, deadline=None)
@given(texts)
def test_redacting_twice_changes_nothing_and_nothing_raises(text):
    once, _ = redact(text, emails=True)
    assert redact(once, emails=True)[0] == once


@settings(max_examples=100, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    )
)
def test_any_json_value_keeps_its_shape(value):
    clean, _ = redact_value(value)
    again, _ = redact_value(clean)
    assert json.dumps(again) == json.dumps(clean)
    assert type(clean) is type(value) or isinstance(clean, str)
    assert not isinstance(value, dict | list) or len(clean) == len(value)


@pytest.mark.parametrize(
    "piece",
    [
        "a", "token=", 'token="', 'password="\\"', "\\", "sk-", "eyJ", "://a:b", "://", "curl ",
        "curl -u a:", "password ", "AKIA", "bearer ", "cookie: a=b;", "authorization: ", "machine ", "a@",
        "-----BEGIN ", "İpassword: ", "-----BEGIN RSA PRIVATE KEY-----\n",
        "-----END RSA PRIVATE KEY-----\n", "A" * 64 + "\n", "A" * 64 + "\n-----END PRIVATE KEY-----\n",
        "Aaaa: b\n",
    ],
)  # fmt: skip
def test_two_megabytes_of_anything_are_done_in_one_sweep(piece):
    text, _ = redact(piece * (2_000_000 // len(piece)), emails=True)
    assert text
