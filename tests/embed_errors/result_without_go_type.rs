// A result of a host function that stands for no Go type.
struct Socket;

fn main() {
    let _ = golite::Golite::builder().func("net", "Open", || Socket);
}
