"""What keys look like: tables of patterns, one a line, filled by ``values.fill``.

The shapes of service keys are those that the services document, as the rule set of gitleaks (MIT) lists
them; they were written down from there and not from ``rune.redact``, so that the corpus can find what the
redactor does not know. Where they stand is in ``rune.bench.corpus.places``.
"""

from __future__ import annotations

KEYS = r"""
A3-{X6}-{X11}-{X5}-{X5}-{X5}
ops_eyJ{w260}
p8e-{x32}
AGE-SECRET-KEY-1{B58}
pat{w14}.{h64}
LTAI{w20}
sk-ant-admin01-{u93}AA
sk-ant-api03-{u93}AA
AKCp{w69}
cmVmd{w59}
AKIA{B16}
ASIA{B16}
ABSK{b120}
{w3}8Q~{u34}
v1.0-{h24}-{h146}
4b1d{w38}
CLOJARS_{x60}
dapi{h32}
dnkey-{x26}-{x52}
doo_v1_{h64}
dop_v1_{h64}
dp.pt.{w43}
sl.{u135}
duffel_live_{u43}
dt0c01.{X24}.{X64}
EZAK{w54}
EAAC{w120}
FLWSECK_TEST-{h32}-X
fo1_{u43}
fm2_{b120}
fio-u-{u64}
AIza{u35}
GOCSPX-{u28}
ya29.{u80}
ghp_{w36}
gho_{w36}
ghu_{w36}
ghs_{w36}
ghr_{w36}
github_pat_{w22}_{w59}
glpat-{u20}
gldt-{u20}
glft-{u20}
glrt-{u20}
gloas-{h64}
glagent-{u50}
glptt-{h40}
glcbt-64_{u20}
GR1348941{u20}
glc_{b80}
glsa_{w32}_{h8}
pat.{u22}.{w24}.{w20}
{w14}.atlasv1.{u64}
HRKU-AA{u58}
hf_{w34}
ico-{w32}
lin_api_{w40}
{h32}-us14
key-{h32}
{w6}_{w29}_mmk
NRAK-{X27}
NRII-{u32}
ntn_{n11}{w35}
npm_{w36}
API-{X26}
sk-proj-{u74}T3BlbkFJ{u74}
sk-{w20}T3BlbkFJ{w20}
sk-svcacct-{u58}T3BlbkFJ{u58}
sk-or-v1-{h64}
sha256~{u43}
pplx-{w48}
pscale_tkn_{u43}
pscale_pw_{u43}
PMAK-{h24}-{h34}
pnu_{w36}
pul-{h40}
pypi-AgEIcHlwaS5vcmc{u120}
rdme_{x70}
rubygems_{h48}
tk-us-{u48}
SG.{u22}.{u43}
xkeysib-{h64}-{w16}
sntrys_eyJpYXQiO{b80}LCJyZWdpb25fdXJs{b40}_{b43}
sntryu_{h64}
sm_pat_{w16}
shippo_live_{h40}
shpat_{h32}
shpss_{h32}
xapp-1-{X11}-{n13}-{h64}
xoxb-{n12}-{n13}-{w24}
xoxp-{n12}-{n12}-{n12}-{h32}
xoxe-1-{X146}
sgp_{h16}_{h40}
EAAA{u60}
sq0atp-{u22}
sq0csp-{u43}
sk_live_{w24}
rk_live_{w24}
sk_test_{w24}
whsec_{w32}
{n10}:AA{u33}
SK{h32}
tfp_{u44}_{u14}
hvs.{u92}
hvb.{u140}
AQVN{u36}
YC{u38}
ATATT3xFfGF0{u180}
xai-{w80}
gsk_{w52}
r8_{w37}
sbp_{h40}
figd_{u40}
dckr_pat_{u27}
tvly-{w32}
vercel_blob_rw_{w16}_{w30}
CFPAT-{u43}
nfp_{w36}
rnd_{w28}
ddp_{w36}
phx_{w43}
sqp_{h40}
squ_{h40}
lsv2_pt_{h32}_{h10}
fc-{h32}
"""
"""Keys that show by their own shape, name or none."""

OPAQUE = r"""
DATADOG_API_KEY | {h32}
DD_APP_KEY | {h40}
ALGOLIA_ADMIN_KEY | {h32}
CLOUDFLARE_API_TOKEN | {u40}
CLOUDFLARE_API_KEY | {h37}
CODECOV_TOKEN | {uuid}
SNYK_TOKEN | {uuid}
HEROKU_API_KEY | {uuid}
AWS_SECRET_ACCESS_KEY | {b40}
AZURE_CLIENT_SECRET | {w34}
AZURE_STORAGE_KEY | {b86}==
FASTLY_API_TOKEN | {u32}
OKTA_API_TOKEN | 00{u40}
TWITCH_CLIENT_SECRET | {x30}
TWITTER_API_SECRET | {w50}
LINKEDIN_CLIENT_SECRET | {w16}
MATTERMOST_TOKEN | {x26}
NETLIFY_AUTH_TOKEN | {u43}
PLAID_SECRET | {h30}
SECRET_KEY | {w50}
SECRET_KEY_BASE | {h128}
JWT_SECRET | {w32}
SESSION_SECRET | {h64}
ENCRYPTION_KEY | {b43}=
SIGNING_KEY | {h64}
APP_KEY | base64:{b43}=
API_KEY | {w32}
API_TOKEN | {x40}
AUTH_TOKEN | {h40}
ACCESS_TOKEN | {u64}
REFRESH_TOKEN | {u48}
CLIENT_SECRET | {u40}
WEBHOOK_SECRET | {w24}
DEPLOY_TOKEN | {w20}
PRIVATE_KEY | 0x{h64}
MAPS_API_KEY | {w39}
STRIPE_API_KEY | {w32}
MASTER_KEY | {h32}
SENTRY_AUTH_TOKEN | {h64}
MAILGUN_API_KEY | {h32}-{h8}-{h8}
CONSUMER_SECRET | {w50}
SERVICE_ACCOUNT_KEY | {b64}
LICENSE_KEY | {X5}-{X5}-{X5}-{X5}
SLACK_SIGNING_SECRET | {h32}
COHERE_API_KEY | {w40}
CREDENTIALS | {w40}
MISTRAL_API_KEY | {w32}
TELEGRAM_BOT_TOKEN | {n9}:{u35}
"""
"""Keys without a shape of their own: their name tells."""
