module convoke.test/interop/hemi

go 1.25.0

require (
	github.com/coder/websocket v1.8.13
	github.com/decred/dcrd/dcrec/secp256k1/v4 v4.4.0
	github.com/hemilabs/heminetwork/v2 v2.0.0
	github.com/juju/loggo v1.0.0
)

require github.com/davecgh/go-spew v1.1.1 // indirect
