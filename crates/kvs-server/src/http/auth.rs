//! The password.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::{AUTHORIZATION, HeaderValue, WWW_AUTHENTICATE};
use axum::middleware::Next;
use axum::response::Response;

use super::routes::error;
use crate::serve::Secret;

/// Lets a request through that has the password, or any if there is none.
pub(super) async fn check(
    State(password): State<Option<Arc<Secret>>>,
    request: Request,
    next: Next,
) -> Response {
    let header = request.headers().get(AUTHORIZATION).map(HeaderValue::as_bytes);
    let allowed = match &password {
        Some(password) => header.and_then(given).is_some_and(|given| password.is(&given)),
        None => true,
    };
    if allowed {
        return next.run(request).await;
    }
    let mut refusal = error(StatusCode::UNAUTHORIZED, "the password is missing or wrong");
    let basic = HeaderValue::from_static("Basic realm=\"kvs\"");
    refusal.headers_mut().insert(WWW_AUTHENTICATE, basic);
    refusal
}

/// The password in an `Authorization` header.
fn given(header: &[u8]) -> Option<Vec<u8>> {
    let space = header.iter().position(|byte| *byte == b' ')?;
    let (scheme, rest) = header.split_at(space);
    let credentials = rest.trim_ascii();
    if scheme.eq_ignore_ascii_case(b"Bearer") {
        Some(credentials.to_vec())
    } else if scheme.eq_ignore_ascii_case(b"Basic") {
        let pair = base64(credentials)?;
        let colon = pair.iter().position(|byte| *byte == b':')?;
        pair.get(colon + 1..).map(<[u8]>::to_vec)
    } else {
        None
    }
}

/// What base64 (RFC 4648, section 4) stands for, with or without padding.
fn base64(text: &[u8]) -> Option<Vec<u8>> {
    let digits = text.strip_suffix(b"==").or(text.strip_suffix(b"=")).unwrap_or(text);
    let (mut bytes, mut held, mut bits) = (Vec::new(), 0_u32, 0);
    for digit in digits {
        let value = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        held = (held << 6 | u32::from(value)) & 0xFFFF;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((held >> bits & 0xFF) as u8);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_found_in_headers() {
        let cases = [
            ("Bearer secret", Some("secret")),
            ("bearer  secret ", Some("secret")),
            ("Basic YWRtaW46c2VjcmV0", Some("secret")),
            ("Basic YWRtaW46c2VjcmV0cw==", Some("secrets")),
            ("Basic YTpiOmM=", Some("b:c")),
            ("Basic OnM=", Some("s")),
            ("Basic c2VjcmV0", None),
            ("Basic !", None),
            ("Digest secret", None),
            ("secret", None),
            ("", None),
        ];
        for (header, expected) in cases {
            let found = given(header.as_bytes());
            assert_eq!(found.as_deref(), expected.map(str::as_bytes), "{header}");
        }
    }
}
