//! Clients of etcd: its gRPC calls `Put` and `Range`, over HTTP/2.
//!
//! Two messages of two fields each don't need a code generator.

use std::net::SocketAddr;

use async_trait::async_trait;
use h2::client::SendRequest;
use http::Request;
use tokio::net::TcpStream;

use super::load::{Client, Target};
use crate::Result;

/// Clients of etcd's nodes.
pub(super) struct Etcd(pub(super) Vec<SocketAddr>);

#[async_trait]
impl Target for Etcd {
    async fn client(&self, n: usize) -> Result<Box<dyn Client>> {
        let address = *self.0.get(n % self.0.len()).ok_or("no address")?;
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (requests, connection) = h2::client::handshake(stream).await?;
        kvs::env::spawn(async move {
            let _ = connection.await;
        });
        Ok(Box::new(EtcdClient { requests, address }))
    }
}

struct EtcdClient {
    requests: SendRequest<bytes::Bytes>,
    address: SocketAddr,
}

impl EtcdClient {
    /// Calls a method of the service `KV` and gives the answer's message.
    async fn call(&mut self, method: &str, message: Vec<u8>) -> Result<Vec<u8>> {
        let request = Request::post(format!("http://{}/etcdserverpb.KV/{method}", self.address))
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .body(())?;
        let length = u32::try_from(message.len())?.to_be_bytes();
        let frame = [&[0], length.as_slice(), &message].concat();
        let mut requests = self.requests.clone().ready().await?;
        let (answer, mut body) = requests.send_request(request, false)?;
        body.send_data(frame.into(), true)?;
        let mut body = answer.await?.into_body();
        let mut found = Vec::new();
        while let Some(data) = body.data().await {
            let data = data?;
            body.flow_control().release_capacity(data.len())?;
            found.extend_from_slice(&data);
        }
        let trailers = body.trailers().await?.unwrap_or_default();
        match trailers.get("grpc-status").map(|status| status.as_bytes()) {
            Some(b"0") => Ok(found),
            status => Err(format!("etcd answered {method} with {status:?} {trailers:?}").into()),
        }
    }
}

/// A field of bytes, shorter than 128, as protobuf writes it.
fn field(number: u8, bytes: &[u8]) -> Result<Vec<u8>> {
    Ok([&[number << 3 | 2, u8::try_from(bytes.len())?], bytes].concat())
}

#[async_trait]
impl Client for EtcdClient {
    async fn put(&mut self, key: &[u8], value: &[u8]) -> Result {
        let message = [field(1, key)?, field(2, value)?].concat();
        self.call("Put", message).await.map(drop)
    }

    async fn get(&mut self, key: &[u8]) -> Result {
        let answer = self.call("Range", field(1, key)?).await?;
        // An answer with a key and its value is longer than the value.
        if answer.len() > 100 { Ok(()) } else { Err("no such key".into()) }
    }
}
