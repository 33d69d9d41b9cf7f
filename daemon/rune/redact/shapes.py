"""Secrets that show by their own shape: known prefixes, PEM blocks, credentials in URLs, e-mail addresses.

Standard library, Python 3.9. Patterns are compiled on their first trigger; see ``rune.redact``.
"""

from rune.redact.plausible import MARK, SPACE, placeholder, strong

Span = tuple[int, int, str]
"""Start, end and type of one secret."""

_COLOUR = r"(?<=[0-9\[]m)|(?<=\[K)"
"""A terminal's colour or erase sequence ends here; its last letter is no part of what it colours."""
START = rf"(?:(?<![A-Za-z0-9_-])|(?<=\\[nrt])|(?<=%[0-9A-Fa-f]{{2}})|{_COLOUR})"
"""A token starts here: after another character, an escape or a percent-encoded character."""

_SHAPES = (
    ("aws-access-key", ("AKIA", "ASIA", "ABIA", "ACCA"), r"A(?:KI|SI|BI|CC)A[A-Z0-9]{16}(?![A-Za-z0-9])"),
    ("github-token", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), r"gh[pousr]_[A-Za-z0-9]{20,}"),
    ("github-token", ("github_pat_",), r"github_pat_[A-Za-z0-9_]{20,}"),
    ("gitlab-token", ("glpat-", "gldt-", "glrt-", "glcbt-", "glptt-", "glft-", "gloas-", "glsoat-", "glimt-",
     "glffct-", "glagent-"), r"gl[a-z]{2,6}-[\w.-]{16,}"),
    ("gitlab-token", ("GR1348941",), r"GR1348941[\w-]{16,}"),
    ("anthropic-key", ("sk-ant-",), r"sk-ant-[\w-]{12,}"),
    ("openai-key", ("sk-",), r"sk-(?!ant-)(?=[A-Za-z_-]*[0-9])(?=[\w-]*[A-Za-z0-9]{16})[\w-]{20,}"),
    ("slack-token", ("xox",), r"xox[a-z]-[\w-]{10,}"),
    ("slack-token", ("xapp-",), r"xapp-[\w-]{20,}"),
    ("webhook", ("hooks.slack.com",), r"hooks\.slack\.com/(?:services|workflows)/([\w/-]{12,})"),
    ("webhook", ("/api/webhooks/",), r"discord(?:app)?\.com/api/webhooks/([0-9]+/[\w-]{20,})"),
    ("stripe-key", ("_live_", "_test_"), r"[srp]k_(?:live|test)_[A-Za-z0-9]{10,}"),
    ("stripe-key", ("whsec_",), r"whsec_[A-Za-z0-9+/=]{16,}"),
    ("google-key", ("AIza",), r"AIza[\w-]{30,}"),
    ("google-key", ("GOCSPX-", "ya29."), r"(?:GOCSPX-|ya29\.)[\w-]{20,}"),
    ("npm-token", ("npm_",), r"npm_[A-Za-z0-9]{30,}"),
    ("pypi-token", ("pypi-AgE",), r"pypi-AgE[\w-]{20,}"),
    ("huggingface-token", ("hf_", "api_org_"), r"(?:hf|api_org)_[A-Za-z0-9]{30,}"),
    ("twilio-key", tuple(f"SK{digit}" for digit in "0123456789abcdef"), r"SK[0-9a-f]{32}(?![A-Za-z0-9])"),
    ("sendgrid-key", ("SG.",), r"SG\.[\w-]{16,}\.[\w-]{16,}"),
    ("mailgun-key", ("key-",), r"key-[0-9a-f]{32}(?![A-Za-z0-9])"),
    ("mailchimp-key", tuple(f"-us{digit}" for digit in "123456789"), r"[0-9a-f]{32}-us[0-9]{1,2}(?!\w)"),
    ("shopify-token", ("shpat_", "shpca_", "shppa_", "shpss_"), r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{24,}"),
    ("square-token", ("sq0",), r"sq0[a-z]{3}-[\w-]{20,}"),
    ("digitalocean-token", ("_v1_",), r"do[opr]_v1_[0-9a-f]{40,}"),
    ("doppler-token", ("dp.",), r"dp\.[a-z]{2,5}\.[A-Za-z0-9]{30,}"),
    ("databricks-token", ("dapi",), r"dapi[0-9a-f]{32}(?:-[0-9])?(?![A-Za-z0-9])"),
    ("docker-token", ("dckr_",), r"dckr_[a-z]+_[\w-]{20,}"),
    ("vault-token", ("hvs.", "hvb.", "hvr."), r"hv[sbr]\.[\w-]{20,}"),
    ("telegram-token", (":AA",), r"[0-9]{8,10}:AA[\w-]{30,}"),
    ("atlassian-token", ("ATATT3", "ATCTT3"), r"AT[AC]TT3[\w=.-]{20,}"),
    ("linear-key", ("lin_",), r"lin_(?:api|oauth)_[A-Za-z0-9]{30,}"),
    ("notion-token", ("ntn_",), r"ntn_[A-Za-z0-9]{30,}"),
    ("1password-token", ("ops_eyJ",), r"ops_eyJ[\w+/=-]{60,}"),
    ("adobe-secret", ("p8e-",), r"p8e-[A-Za-z0-9]{30,}"),
    ("alibaba-key", ("LTAI",), r"LTAI[A-Za-z0-9]{16,24}(?![A-Za-z0-9])"),
    ("artifactory-token", ("AKCp", "cmVmd"), r"(?:AKCp|cmVmd)[A-Za-z0-9]{55,75}(?![A-Za-z0-9])"),
    ("bedrock-key", ("ABSK",), r"ABSK[A-Za-z0-9+/]{60,}={0,2}"),
    ("azure-secret", ("Q~",),
     r"[\w.~]{3}[0-9]Q~[\w.~-]{31,40}"),
    ("clickhouse-key", ("4b1d",), r"4b1d(?=[A-Za-z0-9]*[A-Z])[A-Za-z0-9]{38}(?![A-Za-z0-9])"),
    ("clojars-token", ("CLOJARS_",), r"CLOJARS_[A-Za-z0-9]{50,}"),
    ("cloudflare-key", ("v1.0-",), r"v1\.0-[0-9a-f]{24}-[0-9a-f]{100,}"),
    ("contentful-token", ("CFPAT-",), r"CFPAT-[\w-]{30,}"),
    ("datadog-token", ("ddp_",), r"ddp_[A-Za-z0-9]{30,}"),
    ("defined-key", ("dnkey-",), r"dnkey-[\w=-]{26}-[\w=-]{50,}"),
    ("duffel-token", ("duffel_",), r"duffel_(?:test|live)_[\w=-]{30,}"),
    ("dynatrace-token", ("dt0c01.", "dt0s16."), r"dt0[a-z][0-9]{2}\.[A-Za-z0-9]{20,}\.[A-Za-z0-9]{60,}"),
    ("easypost-key", ("EZAK", "EZTK"), r"EZ[AT]K[A-Za-z0-9]{50,}"),
    ("facebook-token", ("EAAC", "EAAM"), r"EAA[CM][A-Za-z0-9]{90,}"),
    ("flutterwave-key", ("FLWSECK",), r"FLWSECK(?:_TEST)?-[0-9A-Za-z]{12,}(?:-X)?"),
    ("fly-token", ("fo1_",), r"fo1_[\w-]{40,}"),
    ("fly-token", ("fm1r_", "fm1a_", "fm2_"), r"fm(?:1[ar]|2)_[A-Za-z0-9+/]{80,}={0,3}"),
    ("frameio-token", ("fio-u-",), r"fio-u-[\w=-]{50,}"),
    ("heroku-key", ("HRKU-",), r"HRKU-[\w-]{50,}"),
    ("langsmith-key", ("lsv2_",), r"lsv2_(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}"),
    ("maxmind-key", ("_mmk",), r"[A-Za-z0-9]{6}_[A-Za-z0-9]{29}_mmk(?![A-Za-z0-9])"),
    ("netlify-token", ("nfp_",), r"nfp_[A-Za-z0-9]{30,}"),
    ("newrelic-key", ("NRII-",), r"NRII-[\w-]{28,}"),
    ("openshift-token", ("sha256~",), r"sha256~[\w-]{43}"),
    ("planetscale-token", ("pscale_",), r"pscale_(?:tkn|oauth|pw)_[\w=.-]{30,}"),
    ("posthog-key", ("phx_",), r"phx_[A-Za-z0-9]{30,}"),
    ("prefect-key", ("pnu_",), r"pnu_[A-Za-z0-9]{30,}"),
    ("pulumi-token", ("pul-",), r"pul-[0-9a-f]{40}"),
    ("readme-key", ("rdme_",), r"rdme_[a-z0-9]{60,}"),
    ("render-key", ("rnd_",), r"rnd_(?=[A-Za-z]*[0-9])[A-Za-z0-9]{26,}"),
    ("scalingo-token", ("tk-us-",), r"tk-us-[\w-]{40,}"),
    ("sendinblue-key", ("xkeysib-",), r"xkeysib-[0-9a-f]{64}-[A-Za-z0-9]{16}"),
    ("settlemint-token", ("sm_aat_", "sm_pat_", "sm_sat_"), r"sm_[aps]at_[A-Za-z0-9]{16,}"),
    ("shippo-token", ("shippo_",), r"shippo_(?:live|test)_[0-9a-f]{40}"),
    ("sonar-token", ("sqp_", "squ_", "sqa_"), r"sq[pua]_[0-9a-f]{40}"),
    ("sourcegraph-token", ("sgp_",), r"sgp_(?:[0-9a-f]{16}_|local_)?[0-9a-f]{40}"),
    ("square-token", ("EAAA",), r"EAAA[\w-]{56,60}(?![\w-])"),
    ("tavily-key", ("tvly-",), r"tvly-(?:[a-z]{2,5}-)?[A-Za-z0-9]{20,}"),
    ("typeform-token", ("tfp_",), r"tfp_[\w.=-]{40,}"),
    ("vercel-token", ("vercel_blob_rw_",), r"vercel_blob_rw_\w{30,}"),
    ("yandex-key", ("AQVN",), r"AQVN[\w-]{35,38}(?![\w-])"),
    ("grafana-token", ("glsa_", "glc_"), r"gl(?:sa|c)_[A-Za-z0-9+/=_]{30,}"),
    ("groq-key", ("gsk_",), r"gsk_[A-Za-z0-9]{30,}"),
    ("xai-key", ("xai-",), r"xai-[A-Za-z0-9]{30,}"),
    ("perplexity-key", ("pplx-",), r"pplx-[A-Za-z0-9]{30,}"),
    ("replicate-token", ("r8_",), r"r8_[A-Za-z0-9]{30,}"),
    ("supabase-key", ("sbp_", "sb_secret_"), r"(?:sbp|sb_secret)_[\w-]{20,}"),
    ("newrelic-key", ("NRAK-",), r"NRAK-[A-Z0-9]{20,}"),
    ("sentry-token", ("sntry",), r"sntry[su]_[A-Za-z0-9+/=_]{30,}"),
    ("rubygems-key", ("rubygems_",), r"rubygems_[0-9a-f]{40,}"),
    ("figma-token", ("figd_",), r"figd_[\w-]{20,}"),
    ("postman-key", ("PMAK-",), r"PMAK-[0-9a-f-]{40,}"),
    ("terraform-token", (".atlasv1.",), r"[A-Za-z0-9]{14}\.atlasv1\.[\w-]{40,}"),
    ("age-key", ("AGE-SECRET-KEY-",), r"AGE-SECRET-KEY-1[0-9A-Z]{20,}"),
    ("jwt", ("eyJ",), r"eyJ[\w-]{8,}\.[\w.-]*"),
    ("password", ("curl ",), r"curl(?=\s)(?:[^\n\\]|\\[\s\S]){0,300}?\s(?:-u|--user|--proxy-user|-U)[ =]{0,3}"
     r"[\"']?[^\s:\"'$<]{0,99}[\"']?:[\"']?(?![$\[<{])([^\s\"']{1,200})"),
    ("password", ("mysql", "mariadb"), r"(?:mysql|mariadb)\w{0,20}(?=\s)[^\n]{0,200}?\s"
     r"-p(?![0-9]+:)[\"']?(?![\s$\"'\[<{])([^\s\"']{1,200})"),
    ("password", (" login ",), r"(?:docker|podman|buildah|skopeo|helm|oc|az) (?:registry )?login(?=\s)"
     r"[^\n&|;]{0,200}?\s(?:-p[ =]?|--password[ =])[\"']?(?![$\[<{-])([^\s\"']{1,200})"),
    ("password", ("-storepass ", "-keypass "), r"-(?:src|dest)?(?:store|key)pass [\"']?(?![$\[<{-])"
     r"([^\s\"']{1,200})"),
    ("password", ("-passin pass:", "-passout pass:", "-pass pass:"), r"-pass(?:in|out)? pass:(?![$\[<{])"
     r"([^\s\"']{1,200})"),
    ("secret", ("SecureString",), r"SecureString[\"']?\s[^\n]{0,200}?--value[ =][\"']?(?![$\[<{\"']|file:)"
     r"([^\s\"']{1,400})"),
    ("secret", ("--secret-string",), r"--secret-string[ =][\"']?(?![$\[<{\"']|file:)([^\s\"']{1,400})"),
    ("password", ("requirepass ", "masterauth "), r"(?:requirepass|masterauth) [\"']?(?![$\[<{])"
     r"([^\s\"']{1,200})(?=[\"']?[ \t]*(?:$|[\r\n\\]|--))"),
    ("password", ("identified by '", "IDENTIFIED BY '"), r"(?i:identified by) '(?![$\[<{%:?'])"
     r"([^'\n]{1,200})"),
    ("password", ("PASSWORD '", "password '"), r"(?i:(?:user|role)\s[^\n;]{1,120}?\spassword) '"
     r"(?![$\[<{%:?'])([^'\n]{1,200})"),
    ("password", ("ConvertTo-SecureString ",), r"ConvertTo-SecureString (?:-String )?[\"'](?![$\[<{%])"
     r"([^\"'\n]{1,200})"),
    ("password", ("sshpass ",), r"sshpass\s{1,9}-p\s?[\"']?(?![$\[])([^\s\"']{1,200})"),
    ("password", ("redis-cli ",), r"redis-cli(?=\s)[^\n]{0,200}?\s(?:-a|--pass) [\"']?"
     r"(?![$\[])([^\s\"']{1,200})"),
)  # fmt: skip
_STAND_INS = frozenset(("password", "passwd", "pass", "pwd", "test", "token", "changeme", "xxx", "yyy"))
"""What examples of commands write for a password."""
_BESIDE_AWS = (
    rf"(?:(?<![A-Za-z0-9/+=])|{_COLOUR})"
    r"(?=[a-z0-9/+]*[A-Z])(?=[A-Z0-9/+]*[a-z])(?=[A-Za-z/+]*[0-9])"
    r"[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])"
)
"""A secret access key without a name: only looked for beside an access key id."""
_EMAIL = (
    r"(?<![\w.+%-])(?!git@)[\w.+%-]{1,64}@(?!v?[0-9]+\.[0-9])[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,7}"
    r"\.(?!(?:png|jpe?g|gif|svg|webp|avif|service|socket|timer|target|mount|slice)(?![A-Za-z]))[A-Za-z]{2,24}(?![\w-])"
)
"""No package with its version, no picture of double size, no unit of systemd."""
_GAP = r"(?:[\s\"',-]|\\+[nrt]|[0-9]{1,6}[→|:\t])*"
_BODY = r"(?:[A-Za-z-]{4,20}: [^\n\\]{1,80}(?:[\s]|\\+[nr])*)*"
_PEM_REST = rf"{_GAP}(?:{_BODY})(?:[A-Za-z0-9+/=]{{16,}}{_GAP})+(?:[A-Za-z0-9+/=]{{1,64}}(?![^\s\"'\\]))?"
"""What follows a BEGIN line whose END was cut off."""

_BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
_BETWEEN = SPACE | frozenset("\"',\\")
_URL_STOP = SPACE | frozenset("\"'<>`\\")


def known(text: str) -> list[Span]:
    """Keys with a known shape; only the patterns whose triggers occur are tried."""
    found: list[Span] = []
    for name, triggers, pattern in _SHAPES:
        for trigger in triggers:
            if trigger in text:
                found += _matches(START + pattern, name, text)
                break
    if (found and found[0][2] == "aws-access-key") or f"{MARK}aws-access-key]" in text:
        found += _matches(_BESIDE_AWS, "aws-secret-key", text)
    return found


def emails(text: str) -> list[Span]:
    """E-mail addresses."""
    return _matches(_EMAIL, "email", text) if "@" in text else []


def _matches(pattern: str, name: str, text: str) -> list[Span]:
    import re  # noqa: PLC0415  a hook whose text triggers no pattern starts without it

    found = ((match.span(match.lastindex or 0)) for match in re.finditer(pattern, text, re.ASCII))
    return [(start, end, name) for start, end in found if not _stands_in(text[start:end])]


def _stands_in(value: str) -> bool:
    """Whether this is only the look of a key: ``AKIAXXXXXXXXXXXXXXXX``; ``password`` for a password."""
    return value in _STAND_INS or (len(value) > 12 and len(set(value[-12:])) == 1)


def private_keys(text: str) -> list[Span]:
    """PEM private keys: whole blocks, blocks without END, and the rest of a block before a lone END."""
    if "PRIVATE KEY" not in text:
        return []
    found: list[Span] = []
    done, stop, begin = 0, -2, text.find("-----BEGIN ")
    while begin >= 0:
        dashes = text.find("-----", begin + 11, begin + 64)
        body = dashes + 5
        if dashes >= 0 and "PRIVATE KEY" in text[begin:dashes]:
            if stop != -1 and stop < body:
                stop = text.find("-----END ", body)
            end = _block_end(text, body, stop)
            if end:
                found.append((begin, end, "private-key"))
                done = end
        begin = text.find("-----BEGIN ", max(done, begin + 11))
    return found + _tails(text, found)


def _block_end(text: str, body: int, stop: int) -> int:
    """Where the block whose body starts here ends; 0 where no key follows, as in code that speaks of PEM."""
    import re  # noqa: PLC0415

    rest = text[body:stop] if body <= stop < body + 32768 else ""
    if rest and "-----BEGIN " not in rest and re.search("[A-Za-z0-9+/=]{16}", rest):
        dashes = text.find("-----", stop + 9, stop + 64)
        return dashes + 5 if dashes >= 0 else stop + 9 + len(text[stop + 9 :][:64].split("\n")[0])
    cut = re.compile(_PEM_REST).match(text, body)
    return cut.end() if cut else 0


def _tails(text: str, blocks: list[Span]) -> list[Span]:
    """Bodies whose BEGIN was cut off: the lines of base64 right before an END that closes no found block."""
    closed = {end for _, end, _ in blocks}
    found: list[Span] = []
    stop = text.find("-----END ")
    while stop >= 0:
        dashes = text.find("-----", stop + 9, stop + 64)
        if dashes >= 0 and dashes + 5 not in closed and "PRIVATE KEY" in text[stop:dashes]:
            start = _tail_start(text, stop)
            if start < stop and (not found or found[-1][1] <= start):
                found.append((start, dashes + 5, "private-key"))
        stop = text.find("-----END ", stop + 9)
    return found


def _tail_start(text: str, stop: int) -> int:
    start = at = stop
    while stop - at < 16384:
        while at > 0 and (text[at - 1] in _BETWEEN or text[at - 2 : at] in ("\\n", "\\r")):
            at -= 2 if text[at - 2 : at] in ("\\n", "\\r") else 1
        run = at
        while run > 0 and text[run - 1] in _BASE64 and text[run - 2 : run] not in ("\\n", "\\r"):
            run -= 1
        if (at - run < 16 and start != stop) or run == at:
            return start
        start = at = run
    return start


def urls(text: str) -> list[Span]:
    """Passwords and tokens before the @ of a URL."""
    found: list[Span] = []
    at = text.find("://")
    while at >= 0:
        start = at + 3
        span = _userinfo(text, start) if text.find("@", start, start + 512) >= 0 else None
        if span:
            found.append(span)
            start = span[1]
        at = text.find("://", start)
    return found


def _userinfo(text: str, start: int) -> "Span | None":
    end = start
    while end < min(len(text), start + 512) and text[end] not in _URL_STOP:
        end += 1
    run = text[start:end]
    authority = run.replace("?", "/").replace("#", "/").partition("/")[0]
    at = authority.rfind("@")
    if at < 0:  # a password with a slash in it, unless what follows the colon is a port
        port = authority.partition(":")[2]
        at = run.find("@") if port and not port.isdigit() else -1
    if at <= 0 or run.startswith(MARK):
        return None
    user, colon, password = run[:at].partition(":")
    if colon:
        keep = not password or placeholder(password) or MARK in password
        return None if keep else (start + len(user) + 1, start + at, "url-password")
    keep = MARK in user or placeholder(user) or len(user) < 16 or not strong(user)
    return None if keep else (start, start + at, "url-token")
