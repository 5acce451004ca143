// A certificate transparency log (static-ct-api) on files, for tests: TesseraCT as a library, for its
// own program asks for versions of others that the module proxy does not have.
package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/pem"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/transparency-dev/tessera"
	files "github.com/transparency-dev/tessera/storage/posix"
	"github.com/transparency-dev/tesseract"
	"github.com/transparency-dev/tesseract/storage"
	"github.com/transparency-dev/tesseract/storage/posix"
	"golang.org/x/mod/sumdb/note"
)

func main() {
	address := flag.String("address", "127.0.0.1:0", "where it listens")
	folder := flag.String("folder", "", "where it keeps what it lists")
	roots := flag.String("roots", "", "the authorities whose certificates it lists, PEM")
	keyFile := flag.String("key", "", "its key, EC PRIVATE KEY in PEM")
	flag.Parse()
	handler, err := serving(context.Background(), *folder, *roots, *keyFile)
	if err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", *address)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(listener.Addr())
	log.Fatal(http.Serve(listener, handler))
}

func serving(ctx context.Context, folder, roots, keyFile string) (http.Handler, error) {
	key, err := read(keyFile)
	if err != nil {
		return nil, err
	}
	kept, err := posix.NewRootsStorage(ctx, folder)
	if err != nil {
		return nil, err
	}
	chains := tesseract.ChainValidationConfig{
		RootsPEMFile: roots, ExtKeyUsages: "CodeSigning", RootsRemoteFetchBackup: kept,
	}
	create := func(ctx context.Context, signer note.Signer) (*storage.CTStorage, error) {
		return open(ctx, folder, signer)
	}
	options := tesseract.LogHandlerOpts{DedupRL: -1, MaxCertChainBytes: 512 << 10}
	return tesseract.NewLogHandler(
		ctx, "127.0.0.1", key, chains, create, 10*time.Second, false, "", options)
}

func open(ctx context.Context, folder string, signer note.Signer) (*storage.CTStorage, error) {
	driver, err := files.New(ctx, files.Config{Path: folder})
	if err != nil {
		return nil, err
	}
	options := tessera.NewAppendOptions().
		WithCheckpointSigner(signer).
		WithCTLayout().
		WithAntispam(4096, nil).
		WithCheckpointInterval(time.Second).
		WithBatching(256, 50*time.Millisecond)
	appender, _, reader, err := tessera.NewAppender(ctx, driver, options)
	if err != nil {
		return nil, err
	}
	issuers, err := posix.NewIssuerStorage(ctx, folder)
	if err != nil {
		return nil, err
	}
	return storage.NewCTStorage(ctx, &storage.CTStorageOptions{
		Appender: appender, Reader: reader, IssuerStorage: issuers,
		AwaiterPollInterval: 100 * time.Millisecond,
	})
}

func read(file string) (*ecdsa.PrivateKey, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, fmt.Errorf("%s holds no PEM", file)
	}
	return x509.ParseECPrivateKey(block.Bytes)
}
