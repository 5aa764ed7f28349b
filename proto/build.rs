//! Compiles the contracts; protox is a compiler in Rust, so that no `protoc` needs to be installed.

fn main() -> anyhow::Result<()> {
    let contracts = protox::compile(["rollcall/routing/v1/routing.proto"], ["."])?;
    tonic_prost_build::configure().build_transport(false).compile_fds(contracts)?;
    println!("cargo:rerun-if-changed=rollcall");
    Ok(())
}
