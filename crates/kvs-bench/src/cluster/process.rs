//! Servers as processes.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::Result;
use crate::measure::now;

/// A process that is killed when this is dropped.
pub(super) struct Server(Child);

/// How long a server may take to listen.
const START_MAX: Duration = Duration::from_secs(60);

impl Server {
    /// Starts `command` and waits until somebody listens at `address`.
    pub(super) async fn start(command: &mut Command, address: SocketAddr) -> Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut server = Self(child.spawn().map_err(|error| format!("{name}: {error}"))?);
        let until = now() + START_MAX;
        while TcpStream::connect(address).is_err() {
            if let Some(status) = server.0.try_wait()? {
                return Err(format!("{name} ended with {status} before it listened").into());
            }
            if now() > until {
                return Err(format!("{name} does not listen at {address}").into());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(server)
    }

    pub(super) fn id(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// How many threads each of three nodes is given: its share of the cores, at least one. Every system is
/// given the same.
pub(super) fn threads() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    (cores / 3).max(1).to_string()
}

/// An address that nobody listens at, as far as one can know.
pub(super) fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

/// The program `kvs`, which is built beside this one.
pub(super) fn kvs() -> Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name("kvs");
    if !Path::exists(&path) {
        let path = path.display();
        return Err(format!("{path} is not there: `cargo xtask bench` builds it").into());
    }
    Ok(path)
}
