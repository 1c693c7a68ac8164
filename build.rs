//! Folders that are embedded whole are embedded anew when a file is added to them.

fn main() {
    println!("cargo:rerun-if-changed=remediations");
    println!("cargo:rerun-if-changed=webhooks");
    println!("cargo:rerun-if-changed=fixtures/demo");
}
