//! An HTTP server on tokio whose handler is a script: calls are awaited, and so are the host's futures that the script calls.

use std::time::Duration;

use golite::{Error, Func, Golite, Serde};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

#[derive(Serialize, Deserialize)]
struct Request {
    method: String,
    path: String,
}

#[derive(Serialize, Deserialize)]
struct Response {
    status: u16,
    body: String,
}

const SCRIPT: &str = r#"
package main

import (
	"fmt"
	"strings"

	"db"
)

type Request struct {
	Method string `json:"method"`
	Path   string `json:"path"`
}

type Response struct {
	Status int    `json:"status"`
	Body   string `json:"body"`
}

func Handle(r Request) Response {
	name, found := strings.CutPrefix(r.Path, "/greet/")
	if !found {
		return Response{404, "not found"}
	}
	// The goroutine waits for the host's future; no thread does.
	visits := db.Visit(name)
	return Response{200, fmt.Sprintf("Hello, %s! Visit %d.", name, visits)}
}
"#;

type Handler = Func<(Serde<Request>,), Serde<Response>>;

/// Answers one request: enough of HTTP for an example.
async fn serve(mut stream: TcpStream, handle: Handler) -> std::io::Result<()> {
    let mut text = Vec::new();
    let mut piece = [0; 1024];
    while !text.windows(4).any(|end| end == b"\r\n\r\n") && text.len() < 1 << 16 {
        match stream.read(&mut piece).await? {
            0 => break,
            n => text.extend_from_slice(&piece[..n]),
        }
    }
    let text = String::from_utf8_lossy(&text);
    let mut words = text.split_whitespace().map(str::to_owned);
    let request = Request {
        method: words.next().unwrap_or_default(),
        path: words.next().unwrap_or_default(),
    };
    let response = match handle.call_async((Serde(request),)).await {
        Ok(Serde(response)) => response,
        Err(error) => Response {
            status: 500,
            body: error.to_string(),
        },
    };
    let Response { status, body } = response;
    let length = body.len();
    let answer = format!(
        "HTTP/1.1 {status} -\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    stream.write_all(answer.as_bytes()).await
}

async fn get(address: std::net::SocketAddr, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    stream
        .write_all(format!("GET {path} HTTP/1.1\r\n\r\n").as_bytes())
        .await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer.rsplit("\r\n").next().unwrap_or_default().to_owned())
}

async fn run() -> Result<(), Error> {
    let golite = Golite::builder()
        .spawner(|future| {
            tokio::spawn(future);
        })
        .async_func("db", "Visit", |name: String| async move {
            tokio::time::sleep(Duration::from_millis(2)).await;
            name.len() as i64
        })
        .build()?;
    let vm = golite.compile(SCRIPT)?.start()?;
    let handle: Handler = vm.func("Handle")?;
    let failed = |error: std::io::Error| Error::Host(error.to_string());
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let server = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, handle.clone()));
        }
    });
    let clients: Vec<_> = (0..20)
        .map(|n| {
            tokio::spawn(async move { get(address, &format!("/greet/{}", "x".repeat(n))).await })
        })
        .collect();
    for (n, client) in clients.into_iter().enumerate() {
        let answer = client
            .await
            .expect("a client does not panic")
            .map_err(failed)?;
        assert_eq!(answer, format!("Hello, {}! Visit {n}.", "x".repeat(n)));
    }
    assert_eq!(get(address, "/").await.map_err(failed)?, "not found");
    server.abort();
    println!("21 requests answered by the script");
    Ok(())
}

pub fn main() -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Error::Host(error.to_string()))?;
    runtime.block_on(run())
}
