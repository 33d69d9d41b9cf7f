"""Places and look-alikes that others chose: after tests of gitleaks (MIT) and detect-secrets (Apache-2.0).

They were put in after the first measurement, as blind tests of what had been made with ``places`` and
``look_alikes``. What gitleaks marks "to do", because it misses it, is here as well. Left out are a CSRF token
and a key that is public at its service, which gitleaks keeps and which cannot be told from others.
"""

from __future__ import annotations

ASSIGNED = r"""
{word}Token="§"
{word}Token = "§"
{word}Token=§
{word}Token = §
{⏎    "{word}_token": "§"⏎}
{⏎    "name": "{word}_token",⏎    "value": "§"⏎}
{"config.ini": "{WORD}_TOKEN=§\nBACKUP_ENABLED=true"}
<{word}Token>§</{word}Token>
<{word}Token>⏎    §⏎</{word}Token>
<entry name="{word}Token" value="§" />
{word}_token: §
{word}_token: '§'
{word}_token: "§"
{word}_token: |⏎  §
{word}_token: >⏎  §
string {word}Token = "§";
var {word}Token string = "§"
{word}Token := "§"
{word}Token := `§`
String {word}Token = "§";
var {word}Token: string = "§"
var {word}Token = "§"
${word}Token .= "§"
${word}Token ??= "§"
{word}Token = '§'
https://example.com?{word}Token=§&fooBar=baz
{word}Token,§,
System.setProperty("{WORD}_TOKEN", "§")
config.put("sasl.jaas.config", "PlainLoginModule required username=\"JDOE35\" {word}Token=\"§\"")
environmentVariables = {PATH=/usr/local/bin, ENV=/etc/bashrc, {WORD}_PASSWORD=§, LC_CTYPE=en_CA.UTF-8},
  "{word}Token" => "§"
{WORD}_TOKEN = "§"
{WORD}_TOKEN := "§"
{WORD}_TOKEN ::= "§"
{WORD}_TOKEN :::= "§"
{WORD}_TOKEN ?= "§"
{WORD}_TOKEN += "§"
'access_token': '§'
some_api_token_123 = "§"
"credentials" : "§"
creds = §
private-key: §
passwd = §
"client_secret" : "§",
mySecretString=§
todo_secret_do_not_commit = §
 utils.GetEnvOrDefault("api_token", "§")
ID=dbuser;password=§;"
curl --header  'Authorization:  §'
# curl -X GET "http://localhost:3000/api/cron/status" -H "Authorization: Bearer §"
curl https://api.example.com/v1/chat \⏎  -H "Content-Type: text/plain" \⏎  -H "Authorization: Bearer §" \
curl -H "Authorization: Api-Token §" --request PUT https://{host}/api/use/635
curl -H "Authorization: Token §" --request PUT https://{host}/api/use/635
curl -L -H "Authorization:§" service1.local
curl -X GET \⏎     -H "apikey: §" \⏎     -H "Accept: application/json" \
curl -X POST --header "Api-Token: §"
curl -XPOST http://localhost:8080/api/tasks -H "Content-Type: x" -H "Token: §" -d "content=hello-curl"
curl -X GET https://{host}/⏎     -H "X-Octopus-ApiKey: §" \
"""
"""Where an opaque token stands."""

COMMANDS = r"""
curl --cacert ca.crt -u elastic:§ https://localhost:9200
sh-5.0$ curl -k -X POST https://{host}:11222/rest/v2 \⏎  -H 'Accept: text/plain' \⏎  -d 'x' \⏎  -u {user}:§
curl -u ":§" https://localhost:9200
curl -sw '%{http_code}' -X POST --user  '{user}:§' $GItHUB_API_URL/$GIT_COMMIT --data
curl --user roger23@{company}.com:§ https://{host}/cli_link?host_id=abcdefg -v
curl -s --user 'api:§' \⏎    https://{host}/v2/messages
curl -s -v --user "j.smith:§" "https://{host}/user/me"
curl --user kevin:'§' -iX PATCH -H "Content-Type: application/json" -d
$ curl https://{host}/oauth2/token \⏎  --user c28wlsosanujy2z:§ --data grant_type=authorization_code
https://{word}:§@example.com/
//§ is the password
#§ is the password
"""
"""Where a password stands."""

CLEAN = r"""
report_access_id: {uuid}
accessibilityYesOptionId = "{uuid}"
_RandomAccessIterator>⏎_LIBCPP_CONSTEXPR_AFTER_CXX11
this.ultraPictureBox1.Name = "ultraPictureBox1";
rapidstring:marm64-uwp=fail
event-bus-message-api:rc0.15.0_20231217_1420-SNAPSHOT'
COMMUNICATION_API_VERSION=rc0.13.0_{n8}_0712-SNAPSHOT
MantleAPI_version={h40}
[DEBUG]		org.slf4j.slf4j-api:jar:1.7.8.:compile (version managed from default)
apiUrl=apigee.corpint.com
X-API-Name": "NRG0-Hermes-INTERNAL-API",
<orderEntry type="library" scope="PROVIDED" name="Maven: org.apache.directory.api:api-asn1-api:1.0.0-M{n2}" />
author = "james.fake@ymail.com",
X-MS-Exchange-Organization-AuthSource: sm0{n4}.int.contoso.com
Authentication-Results: {n1}h.ca.iphmx.com
withCredentials([usernamePassword(credentialsId: '{uuid}', usernameVariable: 'USERNAME', passwordVariable: 'PASSWORD')]) {
credentialsId: '{uuid}'
jobCredentialsId: '{uuid}'
  "credentialId": "{w22}",
environment {⏎	CREDENTIALS_ID = "K8S_CRED"⏎}
dev.credentials.url=dev-lb1.api.f4ke.com:5215
keyword: "Befaehigung_P{n1}"
public_key = "{w43}"
pub const X509_pubkey_st = struct_X509_pubkey_st;
|| pIdxKey->default_rc==0
monkeys-audio:mx64-uwp=fail
primaryKey={w30}
foreignKey={w30}
key_down_event={w30}
issuerKeyHash={w30}
<entry key="jetbrains.mps.v8_elimination" value="executed" />
minisat-master-keying:x64-uwp=fail
IceSSL.KeyFile=s_rsa1024_priv.pem
"bucket_key": "SalesResults-1.{n1}"
<key tag="SecurityIdentifier" name="SecurityIdentifier" type="STRING" />
schemaKey = 'DOC_Vector_{n1}_{n2}'
sequenceKey = "{n2}"
app.keystore.file=env/cert.p12
-DKEYTAB_FILE=/tmp/app.keytab
	doc.Security.KeySize = PdfEncryptionKeySize.Key128Bit;
o.keySelector=n,o.haKey=!1,
                                "key_name": "prod{n1}zyxlmy-cmk",
                                "kms_key_id": "{uuid}",
	"key_vault_name": "web21prqodx{n5}",
  keyVaultToStoreSecrets: cmp2-qat-{n10}
const validKeyChars = "0123456789abcdefghijklmnopqrstuvwxyz_-."
const keyStr = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
key_length = XSalsa20.key_length
pub const SN_id_Gost28147_89_None_KeyMeshing = "id-Gost28147-89-None-KeyMeshing"
KeyPair = X25519.KeyPair
BlindKeySignatures = Ed25519.BlindKeySignatures
AVEncVideoMaxKeyframeDistance, "{uuid}"
            keyPressed = kVK_Return.u16
timezone_mapping = {⏎    "Turkey Standard Time": "Europe/Istanbul",⏎}
<add key="SchemaTable" value="G:\SchemaTable.xml" />
    { key: '{uuid}', value: 'Americas' },
<TAR key="REF_ID_{n3}.properties" value="/opts/config/alias/"/>
secret:⏎  secretName: app-decryption-secret⏎  items:⏎  - key: app-k8s.yml⏎    path: app-k8s.yml
<Color x:Key="NormalBrushGradient1">#FF{H6}</Color>
password combination.⏎⏎R5: Regulatory--21
PuttyPassword=0
LLM_SECRET_NAME = "NEXUS-GPT4-API-KEY"
  <UserSecretsId>{uuid}</UserSecretsId>
secret_length = X25519.secret_length
secretSize must be >= XXH3_SECRET_SIZE_MIN
#RUN --mount=type=secret,id=jfrog_secret \⏎#    JFROG_SECRET = $(cat /run/secrets/jfrog_secret) && \
    access_token_url='https://github.com/login/oauth/access_token',
publicToken = "{w43}"
<SourceFile SourceLocation="F:\Extracts\" TokenFile="RTL_INST_CODE.cer">
notes            = "Maven - io.jsonwebtoken:jjwt-jackson-0.11.{n1}"
TOKEN_AUDIENCE = "{uuid}"
clientId = "{uuid}"
GITHUB_API_KEY=⏎DYNATRACE_API_KEY=
snowflake.password=⏎jdbc.snowflake.url=
import { chain_Anvil1_Key, chain_Anvil2_Key } from '../blockchain-tests/pallets/supported-chains/consts';
SRCREV_moby = "{h40}"
LIC_FILES_CHKSUM = "file://${WORKDIR}/license.html;md5={h32}"
curl -i -u 'test:test'
   curl -sL --user "$1:$2" "$3" > "$4"
curl -u <user:password> https://test.com/endpoint
curl --user neo4j:[PASSWORD] http://[IP]:7474/db/data/
curl -u "myusername" http://localhost:{n5}/api/check_user/
curl -u username:token
curl -u "${_username}:${_password}"
curl -u "${username}":"${password}"
curl -k -X POST -I -u "SRVC_JENKINS:${APPID}"
curl -u ":" https://localhost:9200
curl -sw '%{http_code}' -X POST --user '$USERNAME:$PASSWORD' $GItHUB_API_URL/$GIT_COMMIT --data
curl --user "xxx:yyy"
curl --silent --fail {{- if and $.Values.username $.Values.password }} --user "{{ $.Values.username }}:{{ $.Values.password }}"
curl -XGET -i -u "${{ env.ELK_ID }}:${{ build.env.ELK_PASS }}"
curl -XGET -i -u "${{needs.vault.outputs.account_id}}:${{needs.vault.outputs.account_password}}"
curl -X POST --user "$(cat ./login.txt):$(cat ./password.txt)"
curl http://127.0.0.1:5000/file --user user:pass --digest        # digest auth
   curl -X GET --insecure --user "username:password" \
curl --silent --insecure --user ${f5user}:${f5pass} \
curl --insecure --ssl-reqd "smtps://smtp.gmail.com" --mail-from "src@gmail.com" --user "src@gmail.com" --upload-file out.txt
curl https://{host}/micropub -d h=entry -d "content=Hello World" -H "Authorization: Bearer XXXXXXXXXXXX"
curl -X POST https://{host}/api/token -d grant_type=client_credentials --header "Authorization: Basic ..."
curl \⏎  -H "Authorization: Bearer <Openverse API token>" \⏎  "https://{host}/v1/audio/?q=test"
curl -v -X POST https://{host}/sso/ \⏎  -H "Authorization: Token **********" \⏎  -d '{"username": "test", "next": "/luna/"}'
curl -X GET \⏎     -H "apikey: $API_KEY" \⏎     -H "Accept: $FORMAT" \⏎"$API_URL/rest/v1/stats"
curl -X GET -H "Authorization: Bearer $(gcloud auth print-access-token)" https://{host}/callback#{uuid}
"""  # noqa: E501
"""Lines that hold no secret."""

KEYWORDS = r"""
password_super_secure = "§"
my_password_super_secure = "§"
apikey = §
api_key: '§'
aws_secret_access_key: §
db_pass: §,
passwd: §`
private_key: §"
secret: §'
secret "§";
if (apikey == "§") {
if (api_key != "§") {
if (aws_secret_access_key === "§") {
if (db_pass !== "§") {
if ("§" == password) {
if ("§" == my_super_password) {
if ("§" != passwd) {
if ("§" === private_key) {
if ("§" !== secret) {
apikey := "§"
api_key := '§'
aws_secret_access_key := `§`
db_pass := §
db_pass_secure := §
passwd := §,
password := §`
password = @"§";
my_password_secure = @"§";
secret[] = "§";
char secret[25] = "§";
std::string secret("§");
secret.assign("§",17);
apikey_myservice: "§"
password "§";
password => "§"
"""
"""Where a password stands, after the test cases of detect-secrets (Apache-2.0), a third blind test."""
