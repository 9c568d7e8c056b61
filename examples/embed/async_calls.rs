//! Async on both sides: the host awaits calls of the script, the script calls async functions of the host as if they were any other.
//!
//! Any executor will do; this one is ten lines.
//!
//! `cargo run --example embed_async_calls`

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;

use golite::{Error, Golite, ScriptError};

const HANDLER: &str = r#"
package handler

import (
	"fmt"
	"store"
	"sync"
)

// Handle answers a request: it asks the store for two things at the same time.
func Handle(user string) (string, error) {
	var name string
	var err error
	var orders int
	var both sync.WaitGroup
	both.Add(2)
	go func() { defer both.Done(); name, err = store.Name(user) }()
	go func() { defer both.Done(); orders = store.Orders(user) }()
	both.Wait()
	if err != nil {
		return "", fmt.Errorf("no page for %s: %w", user, err)
	}
	return fmt.Sprintf("%s has %d orders", name, orders), nil
}
"#;

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => std::thread::park(),
        }
    }
}

pub fn main() -> Result<(), Error> {
    let golite = Golite::builder()
        .async_func("store", "Name", |user: String| async move {
            match user.as_str() {
                "ann" => Ok("Ann".to_owned()),
                other => Err(format!("who is {other}?")),
            }
        })
        .async_func("store", "Orders", |user: String| async move {
            user.len() as i64
        })
        .build()?;
    let vm = golite.compile_named("handler.go", HANDLER)?.start()?;
    let handle = vm.func::<(String,), Result<String, ScriptError>>("Handle")?;
    let page = block_on(handle.call_async(("ann".into(),)))?;
    println!("{page:?}");
    assert_eq!(page, Ok("Ann has 3 orders".into()));
    let none = block_on(handle.call_async(("bob".into(),)))?;
    assert_eq!(
        none.map_err(|error| error.message),
        Err("no page for bob: who is bob?".into())
    );
    Ok(())
}
