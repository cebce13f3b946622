"""The parts of the driver: serve (process and handshake), driver (accounts),
containers (the rpcs), mapping (podman's words and ours), podman (its socket),
call and errors (what crosses the wire beside the messages)."""
