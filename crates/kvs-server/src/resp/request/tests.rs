//! Requests from bytes: tables, laws, and a stranger's opinion.

use redis_protocol::resp2::{decode::decode, types::OwnedFrame};

use super::parser::ProtocolError;
use super::{Limits, Parser, Request};

/// What a whole stream holds, cut into chunks of these lengths (and the rest).
fn parse(stream: &[u8], chunks: &[u8], limits: &Limits) -> (Vec<Request>, Option<ProtocolError>) {
    let (mut parser, mut requests, mut rest) = (Parser::default(), Vec::new(), stream);
    let mut chunks = chunks.iter();
    while !rest.is_empty() {
        let length =
            chunks.next().map_or(rest.len(), |length| rest.len().min(1 + *length as usize));
        let (mut chunk, after) = rest.split_at(length);
        rest = after;
        loop {
            match parser.next(&mut chunk, limits) {
                Ok(Some(request)) => requests.push(request),
                Ok(None) => break,
                Err(error) => return (requests, Some(error)),
            }
        }
        assert!(chunk.is_empty(), "bytes were left behind");
    }
    (requests, None)
}

fn encode(request: &Request) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", request.len()).into_bytes();
    for argument in request {
        bytes.extend_from_slice(format!("${}\r\n", argument.len()).as_bytes());
        bytes.extend_from_slice(argument);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}

#[test]
fn requests_are_read() {
    let cases: [(&str, &[&[&str]]); 8] = [
        ("*1\r\n$4\r\nPING\r\n", &[&["PING"]]),
        ("*2\r\n$3\r\nGET\r\n$0\r\n\r\n", &[&["GET", ""]]),
        ("*1\r\n$4\r\n\r\n\r\n\r\n", &[&["\r\n\r\n"]]),
        ("*0\r\n*-1\r\n*-9\r\n*1\r\n$1\r\na\r\n", &[&["a"]]),
        ("\r\n\n  \r\nPING\r\n", &[&["PING"]]),
        ("PING\nECHO 'a b'\r\n*1\r\n$1\r\na\r\n", &[&["PING"], &["ECHO", "a b"], &["a"]]),
        ("*1\r\n$4\r\nPI", &[]),
        ("PING", &[]),
    ];
    for (stream, expected) in cases {
        let (requests, error) = parse(stream.as_bytes(), &[], &Limits::FULL);
        let text = |word: &Vec<u8>| String::from_utf8(word.clone()).unwrap();
        let found: Vec<Vec<_>> = requests.iter().map(|r| r.iter().map(text).collect()).collect();
        assert_eq!(found, expected, "{stream:?}");
        assert_eq!(error, None, "{stream:?}");
    }
}

#[test]
fn what_is_no_request_is_refused_in_redis_words() {
    let endless = "1".repeat(100);
    let line = format!("{}\r\n", "a".repeat(70_000));
    let large = "$16777216\r\n";
    let cases: [(&str, &str); 22] = [
        ("*a\r\n", "invalid multibulk length"),
        ("*\r\n", "invalid multibulk length"),
        ("*01\r\n", "invalid multibulk length"),
        ("*+1\r\n", "invalid multibulk length"),
        ("* 1\r\n", "invalid multibulk length"),
        ("*1\n", "invalid multibulk length"),
        ("*1048577\r\n", "invalid multibulk length"),
        ("*99999999999999999999\r\n", "invalid multibulk length"),
        ("*-99999999999999999999\r\n", "invalid multibulk length"),
        (&format!("*{endless}"), "too big mbulk count string"),
        ("*1\r\n*1\r\n$4\r\nPING\r\n", "expected '$', got '*'"),
        ("*1\r\n:1\r\n", "expected '$', got ':'"),
        ("*1\r\n\r\n", "expected '$', got '\\r'"),
        ("*1\r\n$-1\r\n", "invalid bulk length"),
        ("*1\r\n$\r\n", "invalid bulk length"),
        ("*1\r\n$4 \r\nPING\r\n", "invalid bulk length"),
        ("*1\r\n$9223372036854775807\r\n", "invalid bulk length"),
        ("*1\r\n$16842753\r\n", "invalid bulk length"),
        (&format!("*1\r\n${endless}"), "too big bulk count string"),
        ("*1\r\n$4\r\nPINGPONG\r\n", "expected CRLF after an argument"),
        (&line, "too big inline request"),
        ("SET a \"b\r\n", "unbalanced quotes in request"),
    ];
    for (stream, expected) in cases {
        let (requests, error) = parse(stream.as_bytes(), &[], &Limits::FULL);
        assert_eq!(requests, Vec::<Request>::new(), "{stream:?}");
        let error = error.map(|error| error.to_string());
        assert_eq!(error, Some(format!("Protocol error: {expected}")), "{stream:?}");
    }

    let mut stream = b"*3\r\n".to_vec();
    for _ in 0..2 {
        stream.extend_from_slice(large.as_bytes());
        stream.resize(stream.len() + (16 << 20), b'x');
        stream.extend_from_slice(b"\r\n");
    }
    let (_, error) = parse(&stream, &[], &Limits::FULL);
    assert_eq!(error.unwrap().to_string(), "Protocol error: request beyond 33554432 bytes");
}

#[test]
fn strangers_may_say_less() {
    let cases = [
        ("*11\r\n", "unauthenticated multibulk length"),
        ("*1\r\n$16385\r\n", "unauthenticated bulk length"),
    ];
    for (stream, expected) in cases {
        let (_, error) = parse(stream.as_bytes(), &[], &Limits::BEFORE_AUTH);
        assert_eq!(error.unwrap().to_string(), format!("Protocol error: {expected}"));
        assert_eq!(parse(stream.as_bytes(), &[], &Limits::FULL).1, None);
    }
}

#[test]
fn announced_lengths_cost_nothing() {
    let mut parser = Parser::default();
    let mut input: &[u8] = b"*1048576\r\n$16777216\r\nabc";
    assert_eq!(parser.next(&mut input, &Limits::FULL), Ok(None));
    assert!(parser.is_midway());
    assert!(parser.held_bytes() < 1_000, "{}", parser.held_bytes());
}

#[test]
fn nested_arrays_nest_nothing() {
    let (requests, error) = parse(&b"*1\r\n".repeat(1 << 20), &[], &Limits::FULL);
    assert!(requests.is_empty());
    assert_eq!(error.unwrap().to_string(), "Protocol error: expected '$', got '*'");
}

#[test]
fn however_a_stream_is_cut_it_holds_the_same_requests() {
    bolero::check!().with_type::<(Vec<Request>, Vec<u8>)>().for_each(|(requests, chunks)| {
        let stream: Vec<u8> = requests.iter().flat_map(encode).collect();
        let expected: Vec<_> = requests.iter().filter(|r| !r.is_empty()).cloned().collect();
        assert_eq!(parse(&stream, chunks, &Limits::FULL), (expected, None));
    });
}

#[test]
fn another_parser_reads_the_same() {
    bolero::check!().with_type::<Vec<Request>>().for_each(|requests| {
        let stream: Vec<u8> = requests.iter().flat_map(encode).collect();
        let (mut rest, mut expected) = (&stream[..], Vec::new());
        while let Some((frame, length)) = decode(rest).unwrap() {
            rest = &rest[length..];
            let OwnedFrame::Array(frames) = frame else { panic!("{frame:?}") };
            let strings = frames.into_iter().map(|frame| match frame {
                OwnedFrame::BulkString(bytes) => bytes,
                other => panic!("{other:?}"),
            });
            let request: Request = strings.collect();
            if !request.is_empty() {
                expected.push(request);
            }
        }
        assert_eq!(parse(&stream, &[], &Limits::FULL), (expected, None));
    });
}

/// Garbage is more telling when it looks like the protocol here and there.
fn dressed(garbage: &[u8]) -> Vec<u8> {
    const PIECES: [&[u8]; 12] = [
        b"*1\r\n",
        b"*2\r\n",
        b"*-1\r\n",
        b"$0\r\n",
        b"$3\r\n",
        b"\r\n",
        b"abc\r\n",
        b"$-1\r\n",
        b"*99999999\r\n",
        b"$99999999\r\n",
        b"\"",
        b"GET a\r\n",
    ];
    let piece = |byte: &u8| match PIECES.get(*byte as usize) {
        Some(piece) => piece.to_vec(),
        None => vec![*byte],
    };
    garbage.iter().flat_map(piece).collect()
}

#[test]
fn any_bytes_are_harmless_however_they_are_cut() {
    bolero::check!().with_type::<(Vec<u8>, Vec<u8>, bool)>().for_each(
        |(garbage, chunks, known)| {
            let limits = if *known { Limits::FULL } else { Limits::BEFORE_AUTH };
            let stream = dressed(garbage);
            let whole = parse(&stream, &[], &limits);
            assert_eq!(parse(&stream, chunks, &limits), whole);
            assert!(whole.0.iter().all(|request| !request.is_empty()));
        },
    );
}
