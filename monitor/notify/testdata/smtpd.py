"""An SMTP server that prints what it takes: smtpd.py PORT plain|starttls|tls|refuse CERT KEY"""
import asyncio
import email
import email.policy
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult

port, mode, cert, key = sys.argv[1:]


class Handler:
    async def handle_DATA(self, server, session, envelope):
        if mode == "refuse":
            return "554 not today"
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        print("from", envelope.mail_from)
        print("to", *envelope.rcpt_tos)
        print("subject", message["Subject"])
        print("id", message["Message-ID"])
        print(message.get_content())
        print("END")
        return "250 taken"


def authenticate(server, session, envelope, mechanism, data):
    return AuthResult(success=data.login == b"op" and data.password == b"right", handled=False)


async def main():
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(cert, key)

    def session():
        return SMTP(
            Handler(),
            tls_context=tls if mode == "starttls" else None,
            authenticator=authenticate,
            auth_require_tls=mode == "starttls",
        )

    server = await asyncio.get_running_loop().create_server(
        session, "127.0.0.1", int(port), ssl=tls if mode == "tls" else None
    )
    print("ready")
    await server.serve_forever()


asyncio.run(main())
