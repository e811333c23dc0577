"""Apache httpd with everything it signs in with: basic, digest, a login form, client certificates, and WSSE by XML::Atom as CGI."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import shlex
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from tests.servers.certificates import Authority
from tests.servers.process import NotReady, command, free_port, listens, needs, program, running

MODULES = Path("/usr/lib/apache2/modules")
LOADED = (
    "mpm_prefork authn_core authz_core authz_user authn_file auth_basic auth_digest auth_form "
    "session session_cookie request alias rewrite cgi env ssl"
)
USER, PASSWORD = "svc_orders", "S3cr3t:pässword"
REALM = "orders@example.test"

needs_httpd = needs(
    program("apache2") is not None and MODULES.is_dir(),
    f"apache2 with its modules in {MODULES} is missing; `apt-get install apache2-bin` brings both",
)


def _speaks_wsse() -> bool:
    perl = program("perl")
    return (
        perl is not None
        and not subprocess.run([perl, "-MXML::Atom::Server", "-MCGI", "-e1"], capture_output=True).returncode
    )


needs_atom = needs(
    _speaks_wsse(),
    "Perl's XML::Atom and CGI are missing; `apt-get install libxml-atom-perl libcgi-pm-perl` brings both",
)


class Seen(NamedTuple):
    """A line of the log: status, ``Authorization`` of the request and ``WWW-Authenticate`` of the answer (``-``: none)."""

    status: int
    sent: str
    challenge: str


@dataclass
class Httpd:
    """Where it is and what it has seen."""

    folder: Path
    url: str
    secure_url: str
    authority: Authority

    async def seen(self, query: str, at_least: int = 1) -> list[Seen]:
        """Every request with that query, in the order of their ends. httpd writes a line after its answer: so many are waited for."""
        end = time.monotonic() + 5
        while True:
            lines = (self.folder / "access.log").read_text("utf-8").splitlines()
            cells = [line.replace('\\"', '"').split("\t") for line in lines]
            found = [Seen(int(status), *signing) for asked, status, *signing in cells if asked == f"?{query}"]
            if len(found) >= at_least or time.monotonic() > end:
                return found
            await asyncio.sleep(0.02)


@contextmanager
def httpd() -> Iterator[Httpd]:
    """Started with a generated configuration in a folder of its own."""
    with TemporaryDirectory(prefix="fairlead-httpd-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # its workers are somebody else when the tests run as root
        authority = Authority("the authority of httpd")
        _files(folder, authority)
        for attempt in range(3):
            port, secure = free_port(), free_port()
            (folder / "httpd.conf").write_text(_configuration(folder, port, secure), "utf-8")
            words = command("apache2", "-DFOREGROUND", "-d", folder, "-f", folder / "httpd.conf")
            try:
                with running(words, folder / "output.log", lambda: listens(port) and listens(secure)):  # noqa: B023  # used within this round
                    yield Httpd(folder, f"http://127.0.0.1:{port}", f"https://127.0.0.1:{secure}", authority)
                    return
            except NotReady:
                if attempt == 2:  # somebody else took the port between the look and the start
                    raise


def _files(folder: Path, authority: Authority) -> None:
    """Passwords, certificates and what is served."""
    hashed = base64.b64encode(hashlib.sha1(PASSWORD.encode()).digest()).decode()
    (folder / "basic").write_text(f"{USER}:{{SHA}}{hashed}\n", "utf-8")
    ha1 = hashlib.md5(f"{USER}:{REALM}:{PASSWORD}".encode()).hexdigest()
    (folder / "digest").write_text(f"{USER}:{REALM}:{ha1}\n", "utf-8")
    (folder / "ca.pem").write_text(authority.pem)
    authority.server().save(folder, "server")
    script = folder / "orders.cgi"
    script.write_text(ORDERS, "utf-8")
    script.chmod(0o755)
    entry = folder / "entry.cgi"
    entry.write_bytes((Path(__file__).parent / "wsse" / "entry.cgi").read_bytes())
    entry.chmod(0o755)
    (folder / "nonces").mkdir()
    (folder / "nonces").chmod(0o777)
    (folder / "empty").mkdir()


def _configuration(folder: Path, port: int, secure: int) -> str:
    modules = "\n".join(f"LoadModule {name}_module {MODULES}/mod_{name}.so" for name in LOADED.split())
    identity = "User nobody\nGroup nogroup" if os.geteuid() == 0 else ""
    return CONFIGURATION.format(
        modules=modules,
        identity=identity,
        folder=folder,
        port=port,
        secure=secure,
        realm=REALM,
        user=USER,
        password=shlex.quote(PASSWORD).replace("'", '"'),
    )


ORDERS = """#!/bin/sh
# One order, and who asked: the name of the session or of the certificate.
printf 'Content-Type: application/json\\r\\n\\r\\n{"orders":[{"id":1}],"user":"%s","certificate":"%s"}' \\
    "$REMOTE_USER" "$SSL_CLIENT_S_DN_CN"
"""

CONFIGURATION = """
{modules}
{identity}
ServerName 127.0.0.1
Listen 127.0.0.1:{port}
Listen 127.0.0.1:{secure}
PidFile {folder}/httpd.pid
DefaultRuntimeDir {folder}
Mutex file:{folder}
ErrorLog {folder}/error.log
LogFormat "%q\t%>s\t%{{Authorization}}i\t%{{WWW-Authenticate}}o" signing
CustomLog {folder}/access.log signing
DocumentRoot {folder}/empty
StartServers 4
MinSpareServers 2
MaxSpareServers 12
MaxRequestWorkers 24
MaxKeepAliveRequests 0
GracefulShutdownTimeout 1

ScriptAlias /basic {folder}/orders.cgi
ScriptAlias /digest {folder}/orders.cgi
ScriptAlias /form/orders {folder}/orders.cgi
ScriptAlias /certificate {folder}/orders.cgi
ScriptAlias /wsse {folder}/entry.cgi
SetEnv WSSE_USER {user}
SetEnv WSSE_PASSWORD {password}
SetEnv WSSE_NONCES {folder}/nonces
<Directory {folder}>
    Require all granted
</Directory>

<Location /basic>
    AuthType Basic
    AuthName {realm}
    AuthUserFile {folder}/basic
    Require valid-user
</Location>
<Location /digest>
    AuthType Digest
    AuthName {realm}
    AuthUserFile {folder}/digest
    AuthDigestNonceLifetime 2
    Require valid-user
</Location>
<Location /digest/store>
    # in the last phase before the handlers, after the password was checked
    RewriteEngine On
    RewriteRule .* - [R=204]
</Location>
<Location /form>
    AuthFormProvider file
    AuthType form
    AuthName {realm}
    AuthUserFile {folder}/basic
    Session On
    SessionCookieName orders path=/form;httponly
    SessionMaxAge 60
</Location>
<Location /form/orders>
    Require valid-user
</Location>
<Location /form/login>
    SetHandler form-login-handler
    AuthFormLoginSuccessLocation /form/orders
</Location>

<VirtualHost 127.0.0.1:{secure}>
    SSLEngine on
    SSLProtocol all -SSLv3 -TLSv1 -TLSv1.1
    SSLCertificateFile {folder}/server.pem
    SSLCertificateKeyFile {folder}/server.key
    SSLCACertificateFile {folder}/ca.pem
    SSLVerifyClient require
    SSLVerifyDepth 1
    SSLOptions +StdEnvVars
    CustomLog {folder}/access.log signing
</VirtualHost>
"""
