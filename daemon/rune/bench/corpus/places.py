"""Where secrets stand: one place a line, in echo entries, logs, settings, code and commands.

``§`` is the secret, ``¤`` its name in capitals, ``¢`` its name in small letters, ``⏎`` a line end; holes are
filled by ``values.fill``.
"""

from __future__ import annotations

NAMED = r"""
export ¤=§
¤=§
¤="§"
+¤=§
-¤='§'
ENV ¤=§
    ¤: §
      ¤: "§"
¤: '§'
¢: §
"¢": "§",
{"¢":"§","region":"eu-west-1"}
{"env": {"¤": "§"}, "args": ["serve"]}
"stdout": "¤=§\nNODE_ENV=production\n"
{\"¢\": \"§\"}
¢ = "§"
¢ = '§'  # TODO move to the vault
¢ := "§"
const ¤ = "§";
const ¢: string = '§';
private static final String ¤ = "§";
let ¢ = String::from("§");
os.environ["¤"] = "§"
process.env.¤ = '§';
client = Client(¢="§", timeout=30)
docker run -e ¤=§ -p 8080:80 {service}/{word}:1.4
kubectl create secret generic {word} --from-literal=¤=§
fly secrets set ¤=§
heroku config:set ¤=§ --app {word}
{day}T{time}Z {level} request to {service} failed ¢=§ status=401
    12→¤=§
{file}:14:¤=§
- **Evidence**: `.env:3` — `¤=§` was committed in {h7}
- **Learning**: CI failed until ¤=§ was exported; keep it in the vault.
| `¤` | `§` | production |
- name: ¤⏎  value: "§"
<add key="¤" value="§" />
variable "¢" { default = "§" }
¢: "§"  # {service}, rotated {day}
echo "¤=§" >> .env
aws ssm put-parameter --name /prod/¤ --type SecureString --value §
++ ¤=§
"""
"""Where a key stands with its name."""

ALONE = r"""
The key § was revoked on {day}.
{day}T{time}Z {level} {service}: rejected credentials § (401)
- **Learning**: `§` was pasted into {file} and pushed; revoke it first.
- **Evidence**: `{file}:{n2}` — hard-coded §
const client = new Client("§");
client = {word}.Client("§")
  --header 'X-Custom: §' \
curl https://{host}/v1/{word} -H "Authorization: Bearer §"
{service} login § --non-interactive
echo § | {service} login --stdin
git clone https://x-access-token:§@git.example.com/acme/{word}.git
Error: invalid credential: '§'
use § for now, I will rotate it later
got "§" back from the server
["§", "{word}"]
<code>§</code>
§
   7	§
+    "§",
{"level":"warn","msg":"rejected §","ts":"{day}T{time}Z"}
(§)
https://{host}/hook?id=3&sig=§
\u001b[32m§\u001b[0m
/{word} §
"""
"""Where a key with a shape of its own stands without a name."""

HEADERS = r"""
Authorization: Bearer §
authorization: bearer §
> Authorization: Bearer §
curl -sS -H "Authorization: Bearer §" https://{host}/api/{word}
curl -X POST -H 'Authorization: token §' https://{host}/repos
http GET https://{host}/{word} Authorization:"Bearer §"
headers = {"Authorization": "Bearer §", "Accept": "application/json"}
headers: { Authorization: `Bearer §` },
req.Header.Set("Authorization", "Bearer §")
{"headers": {"authorization": "Bearer §"}}
{\"Authorization\": \"Bearer §\"}
X-Api-Key: §
curl -H "x-api-key: §" https://{host}/v2
-H 'X-Auth-Token: §'
X-Vault-Token: §
PRIVATE-TOKEN: §
curl --header "PRIVATE-TOKEN: §" "https://{host}/api/v4/projects"
wget --header="X-Access-Token: §" https://{host}/{word}
Proxy-Authorization: Bearer §
{day} {time} {level} upstream sent 403 for Bearer §
Cookie: session=§; theme=dark
Set-Cookie: sid=§; Path=/; HttpOnly
- **Evidence**: `curl -H "Authorization: Bearer §"` returned 200 from {host}
//registry.npmjs.org/:_authToken=§
"auth": {"bearer": "§"}
"X-Amz-Security-Token": "§"
GET /api/{word}?access_token=§&page=2 HTTP/1.1
https://{host}/callback#access_token=§&token_type=bearer
"""
"""Headers and query parameters that carry opaque tokens."""

OPAQUE_TOKENS = ("{h40}", "{w32}", "{u43}", "{uuid}", "{b40}", "{x26}", "{h64}", "{w24}")

BASIC = r"""
Authorization: Basic §
curl -H "Authorization: Basic §" https://{host}/{word}
{"auths": {"{host}": {"auth": "§"}}}
headers = {"Authorization": "Basic §"}
_auth=§
git -c http.extraheader="AUTHORIZATION: basic §" fetch origin
Proxy-Authorization: Basic §
"""
"""Headers that carry ``user:password`` in base64."""

CONNECTIONS = r"""
postgres://{user}:§@{host}:5432/{word}
DATABASE_URL=postgresql://{user}:§@{host}/{word}?sslmode=require
SQLALCHEMY_DATABASE_URI = "postgresql+asyncpg://{user}:§@{host}:5432/{word}"
mongodb+srv://{user}:§@cluster0.{x5}.mongodb.net/{word}?retryWrites=true
REDIS_URL=redis://:§@{host}:6379/0
rediss://default:§@{host}:6380
amqp://{user}:§@{host}:5672/%2f
mysql://{user}:§@{host}:3306/{word}
jdbc:postgresql://{host}:5432/{word}?user={user}&password=§
jdbc:sqlserver://{host}:1433;databaseName={word};user={user};password=§;
Server=tcp:{host},1433;Database={word};User ID={user};Password=§;Encrypt=True;
"ConnectionStrings": {"Default": "Host={host};Username={user};Password=§"}
host={host} port=5432 dbname={word} user={user} password=§
smtp://{user}%40example.com:§@{host}:587
https://{user}:§@{host}/repo/{word}.git
http_proxy=http://{user}:§@proxy.example.com:3128
ftp://{user}:§@{host}/pub
clickhouse://{user}:§@{host}:9000/{word}
ldap://cn={user}:§@{host}:389
nats://{user}:§@{host}:4222
sqlserver://{user}:§@{host}?database={word}
{day}T{time}Z {level} could not connect to postgres://{user}:§@{host}:5432/{word}: timeout
- **Evidence**: `{file}:{n2}` — dsn `mysql://{user}:§@{host}/{word}`
git remote set-url origin https://{user}:§@git.example.com/acme/{word}.git
"database": {"url": "postgres://{user}:§@{host}:5432/{word}", "pool": 5}
psql "postgresql://{user}:§@{host}/{word}" -c 'select 1'
CELERY_BROKER_URL: amqp://{user}:§@{host}//
"""
"""Where a password stands in an address."""

ACCOUNTS = r"""
DefaultEndpointsProtocol=https;AccountName={word};AccountKey=§;EndpointSuffix=core.windows.net | {b86}==
Endpoint=sb://{word}.servicebus.windows.net/;SharedAccessKeyName=Root;SharedAccessKey=§ | {b43}=
HostName={word}.azure-devices.net;DeviceId=d1;SharedAccessKey=§ | {b43}=
https://{word}.blob.core.windows.net/c?sv=2022-11-02&sp=r&sig=§ | {b43}%3D
https://hooks.slack.com/services/§ | T{X10}/B{X10}/{w24}
https://discord.com/api/webhooks/§ | {n18}/{u68}
https://api.telegram.org/bot§/sendMessage | {n10}:AA{u33}
https://{h32}:§@o{n6}.ingest.sentry.io/{n7} | {h32}
https://bucket.s3.amazonaws.com/a?X-Amz-Credential=x&X-Amz-Signature=§ | {h64}
aws_access_key_id = AKIA{B16}, secret § | {b40}
"""
"""Where a key stands in an address or a connection string."""

PASSWORDS = r"""
export {WORD}_PASSWORD=§
DB_PASSWORD=§
{WORD}_DB_PASS=§
MYSQL_ROOT_PASSWORD: §
      POSTGRES_PASSWORD: "§"
PGPASSWORD=§ psql -h {host} -U {user} -c 'select 1'
MYSQL_PWD=§ mysqldump {word}
"password": "§",
{"user":"{user}","password":"§"}
{\"username\": \"{user}\", \"password\": \"§\"}
{"input": {"command": "export DB_PASSWORD=§\nmake migrate"}}
password: §
  password: "§"
  db_password: '§'
spring.datasource.password=§
{word}.password = §
password = §
db_password = "§"
PASSWORD = '§'
const password = "§";
let passwd = '§';
password := "§"
String password = "§";
$password = '§';
define('DB_PASSWORD', '§');
'PASSWORD': '§',
'password' => '§',
:password => "§"
conn = connect(host="{host}", user="{user}", password="§")
login(username='{user}', password='§')
if password == "§":
assert check("{user}", password="§")
<password>§</password>
<property name="password" value="§"/>
<add key="AdminPassword" value="§" />
- name: DB_PASSWORD⏎  value: "§"
ansible_ssh_pass: §
ansible_become_password: "§"
machine {host} login {user} password §
curl -u {user}:§ https://{host}/{word}
curl --user '{user}:§' -X POST https://{host}/{word}
wget --user={user} --password=§ https://{host}/{word}
mysql -u {user} -p§ {word} < dump.sql
mysqldump -h {host} -u{user} -p'§' {word}
sshpass -p '§' ssh {user}@{host}
docker login -u {user} -p § registry.example.com
docker login --username {user} --password § registry.example.com
redis-cli -h {host} -a § ping
psql "host={host} user={user} password=§"
helm upgrade {word} ./chart --set db.password=§
kubectl create secret generic {word} --from-literal=password=§
vault kv put secret/{word} password=§
openssl rsa -in key.pem -passin pass:§ -out plain.pem
ALTER USER {user} WITH PASSWORD '§';
CREATE USER '{user}'@'%' IDENTIFIED BY '§';
createuser --pwprompt {user}  # password: §
mongosh --username {user} --password § --host {host}
az login -u {user}@example.com --password §
keytool -list -keystore k.jks -storepass §
gpg --batch --passphrase § -d {word}.gpg
{word} --password="§" --port 8080
{word} --db-password § --verbose
deploy --admin-pass=§
{day}T{time}Z {level} login failed user={user} password=§ ip=10.2.3.4
{day} {time} {level} [auth] {"user":"{user}","password":"§","ok":false}
    31→DB_PASSWORD=§
+  password: "§"
{file}:12:password = "§"
- **Evidence**: `{file}:{n2}` — `password = "§"` in the fixture
- **Learning**: the staging database took DB_PASSWORD=§ until {day}.
{"kind":"Secret","stringData":{"password":"§"}}
requirepass §
"smtp_password": "§",
smtp_pass = "§"
wifi_passphrase: "§"
resource "db" { master_password = "§" }
ConvertTo-SecureString "§" -AsPlainText -Force
POST /login username={user}&password=§
https://{host}/login?user={user}&password=§
pwd: '§'
--data '{"email":"x","password":"§"}'
\u001b[1mDB_PASSWORD\u001b[0m=§
"""
"""Where a password stands by its name; a plain word is one, too."""

SPOKEN = r"""
the password is §
The admin password is §, please do not share it.
password is "§"
the root password was § until {day}
I changed the password to § on {host}
set the password to § and restarted {word}
log in with user {user} and password §
use password § for the staging box
Password: § (for the {word} account)
my db password: §
The passphrase for the key is §.
the password "§" was rejected
credentials: {user} / password §
- **Learning**: {host} accepts password `§` for {user}; move it to the vault.
- **Evidence**: operator said the password is §
ssh {user}@{host}, password §
its password is now §
Passwort/password: §
"""
"""Where a password stands in prose; it has digits or signs inside, a plain word could be any word."""

KEY_BLOCKS = r"""
§
ssh key:⏎§⏎
cat > id_rsa <<EOF⏎§⏎EOF
key = `§`
"""
"""Where a PEM block stands as it is."""
KEY_LINES = r"""
"private_key": "§",
PRIVATE_KEY="§"
{"stdout": "§\n", "stderr": ""}
echo -e "§" > key.pem
- **Evidence**: `{file}:3` — `§`
TLS_KEY: "§"
"""
"""Where a PEM block stands on one line, its line ends escaped."""

TOKENS = r"""
Authorization: Bearer §
{"token":"§"}
{"access_token":"§","token_type":"Bearer","expires_in":3600}
id_token=§
https://{host}/reset?token=§
Cookie: auth=§; theme=dark
{day}T{time}Z {level} jwt expired: §
const token = '§'
- **Evidence**: request carried § and got 401
export TOKEN=§
decoded § in {file}
ws://{host}/socket?jwt=§
`§`
"""
"""Where a JWT stands."""

EMAILS = r"""
- **Evidence**: reported by § on {day}
- **Evidence**: `{file}:{n2}` — assigned to §
- **Evidence**: log line `user=§ action={verb} status=500`
- **evidence**: commit {h7} by Some One <§>
**Evidence**: ticket from § about the {word}
- Evidence: `{"email":"§","id":{n4}}` in the response
- **Evidence**: mailto:§ in the footer
- **Evidence**: `SELECT * FROM users WHERE email='§'` returned 2 rows
"""
"""Where an e-mail address stands in evidence of an entry that is not about e-mail."""
ADDRESSES = (
    "{first}@{company}.{tld}", "{first}.{last}@{company}.{tld}", "{first}+{word}@{company}.{tld}",
    "{a1}{last}{n2}@mail.{company}.{tld}",
)  # fmt: skip

BEYOND = r"""
try §
login("{user}", "§")
{user} / §
echo § | docker login --username {user} --password-stdin
{host}:5432:{word}:{user}:§
htpasswd -b .htpasswd {user} §
echo '{user}:§' | chpasswd
smbclient -U {user}%§ //{host}/share
"""
"""Secrets with neither shape nor name, which ``rune.redact`` says it does not cover; counted apart."""
