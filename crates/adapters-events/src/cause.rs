//! What went wrong with a connection, in short stable sentences that name no host and hold no secret.

use std::error::Error;
use std::io::{self, ErrorKind};
use std::time::Duration;

use rustls::CertificateError;

/// Every error on the way to the first cause, the outermost first. One of input or output may hold another, which it
/// does not report as its source.
pub(crate) fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn Error + 'static)| {
        let error: &'a (dyn Error + 'static) = *error;
        match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(held) => Some(held),
            None => error.source(),
        }
    })
}

/// What an error says of a connection, if it is one of input, output or TLS.
pub(crate) fn of_connection(error: &(dyn Error + 'static), connecting: Duration) -> Option<String> {
    if let Some(error) = error.downcast_ref::<rustls::Error>() {
        return Some(format!("TLS: {}", of_tls(error)));
    }
    let sentence = match error.downcast_ref::<io::Error>()?.kind() {
        ErrorKind::ConnectionRefused => "the connection was refused",
        ErrorKind::ConnectionReset
        | ErrorKind::ConnectionAborted
        | ErrorKind::BrokenPipe
        | ErrorKind::UnexpectedEof
        | ErrorKind::NotConnected => CLOSED,
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => "the address cannot be reached",
        ErrorKind::TimedOut => return Some(format!("no connection within {}", seconds(connecting))),
        _ => return None,
    };
    Some(sentence.to_owned())
}

/// That the other side hung up.
pub(crate) const CLOSED: &str = "the connection was closed before an answer";

fn of_tls(error: &rustls::Error) -> &'static str {
    use rustls::Error as Tls;
    match error {
        Tls::InvalidCertificate(error) => match error {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => "the certificate has expired",
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "the certificate is not valid yet"
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "the certificate is for another name"
            }
            CertificateError::UnknownIssuer => "the certificate is of an unknown issuer",
            CertificateError::Revoked => "the certificate is revoked",
            _ => "the certificate is not accepted",
        },
        Tls::AlertReceived(_) => "the other side refused the handshake",
        Tls::InvalidMessage(_) => "the other side does not speak it",
        Tls::PeerIncompatible(_) => "the other side speaks another version",
        _ => "the handshake failed",
    }
}

/// A time as people say it.
pub(crate) fn seconds(time: Duration) -> String {
    format!("{} seconds", time.as_secs_f32())
}
