// A parameter of a host function that stands for no Go type.
struct Socket;

fn main() {
    let _ = golite::Golite::builder().func("net", "Close", |socket: Socket| drop(socket));
}
