"""Why a connection to a broker failed, in words."""

import ssl

from aiomqtt.exceptions import MqttConnectError
from paho.mqtt.reasoncodes import ReasonCode

from motet.bus.address import Address
from motet.bus.client import HungUp

_DATES = {9: "its certificate is not valid yet", 10: "its certificate has expired"}
_OTHER_HOST = (62, 64)
_UNKNOWN_AUTHORITY = (2, 18, 19, 20, 21)
"""X509_V_ERR_* of OpenSSL (x509_vfy.h)."""


def words(error: BaseException, address: Address) -> str:
    """What was the matter and, where that is known, what to do about it."""
    if isinstance(error, MqttConnectError):
        return _refused(error, address)
    chain = [error]
    while (before := chain[-1].__cause__ or chain[-1].__context__) is not None:
        chain.append(before)
    for found in chain:
        if isinstance(found, ssl.SSLCertVerificationError):
            return _distrusted(found, address)
        if isinstance(found, ssl.SSLError) and "ALERT" in (found.reason or ""):
            return _alert(found, address)
        if address.tls and isinstance(found, ssl.SSLError | ConnectionResetError | BrokenPipeError):
            return f"no TLS at port {address.port}: is it mqtt:// instead, or another port? ({found})"
    if isinstance(error, HungUp) and not address.tls:
        return f"{error}: does it speak TLS at port {address.port} (mqtts://)?"
    return str(error)


def _refused(error: MqttConnectError, address: Address) -> str:
    """The return codes 4, 5, 2 and 3 of CONNACK (MQTT 3.1.1, section 3.2.2.3); paho numbers them as MQTT 5 does."""
    code = error.rc.value if isinstance(error.rc, ReasonCode) else error.rc
    match code:
        case 134 | 135 if address.user is None:
            return "not authorised: it asks for a user and a password, and none are stated"
        case 134 | 135:
            return f"not authorised: it refuses the user {address.user!r} with this password"
        case 133:
            return "it refuses the client's id"
        case 136:
            return "it is not available now"
        case _:
            return f"it refuses the connection: {error}"


def _distrusted(error: ssl.SSLCertVerificationError, address: Address) -> str:
    code = error.verify_code
    if code in _DATES:
        return _DATES[code]
    if code in _OTHER_HOST:
        return f"its certificate is for another host than {address.host!r}"
    if code in _UNKNOWN_AUTHORITY:
        trusted = "the system" if address.ca is None else address.ca
        return f"its certificate is signed by an authority that is not in those of {trusted} (`ca`)"
    return f"its certificate does not fit: {error.verify_message}"


def _alert(error: ssl.SSLError, address: Address) -> str:
    alert = (error.reason or "").rpartition("ALERT_")[2].replace("_", " ").lower()
    if address.certificate is None:
        return f"it asks for a certificate of its clients, and none is stated ({alert})"
    return f"it refuses the certificate {address.certificate} ({alert})"
