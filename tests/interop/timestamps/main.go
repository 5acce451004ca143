// Sigstore's timestamp authority for tests, without the fixed port on which its own program gives
// measurements: of that there can be one on a machine.
package main

import (
	"flag"
	"log"
	"time"

	"github.com/sigstore/timestamp-authority/v2/pkg/server"
	"github.com/spf13/viper"
)

const policy = "1.3.6.1.4.1.57264.2"

func main() {
	port := flag.Int("port", 0, "where it listens, on the loopback")
	key := flag.String("key", "", "its key, PEM")
	chain := flag.String("chain", "", "its certificates, its own first, PEM")
	flag.Parse()
	for name, value := range map[string]any{
		"timestamp-signer":         "file",
		"timestamp-signer-hash":    "sha256",
		"file-signer-key-path":     *key,
		"certificate-chain-path":   *chain,
		"enforce-intermediate-eku": true,
		"max-request-body-size":    uint64(1 << 20),
		"default-policy-oid":       policy,
		"accepted-policy-oids":     []string{policy},
	} {
		viper.Set(name, value)
	}
	limit := 10 * time.Second
	running := server.NewRestAPIServer("127.0.0.1", *port, []string{"http"}, false, limit, limit)
	running.CleanupTimeout = time.Second
	log.Fatal(running.Serve())
}
