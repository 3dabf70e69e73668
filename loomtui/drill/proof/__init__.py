"""Proves a real backup: it is unpacked into a folder of this machine, and a node is started with it there.

`proofs` says what a proof is. `source` reads S3 and has no way to write there; `unpacking` takes the
databases out of the archive, and no key; `node_config` writes a configuration that leads nowhere;
`succession` puts a new validator in the place of the chain's own; `chamber` runs the node where there is no
network. `proving` puts them together.
"""
