// A registry in memory that has the referrers API, on a free port of the loopback, which it prints.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/google/go-containerregistry/pkg/registry"
)

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(listener.Addr())
	quiet := registry.Logger(log.New(io.Discard, "", 0))
	log.Fatal(http.Serve(listener, listed(registry.New(registry.WithReferrersSupport(true), quiet))))
}

// The specification lists a referrer with the artifactType of its manifest, and Kyverno goes by
// that; the library puts the media type of its config there.
func listed(inner http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		repository, _, asked := strings.Cut(r.URL.Path, "/referrers/")
		if !asked {
			inner.ServeHTTP(w, r)
			return
		}
		answer := ask(inner, r.URL.Path)
		var index v1.IndexManifest
		if answer.Code != http.StatusOK || json.Unmarshal(answer.Body.Bytes(), &index) != nil {
			inner.ServeHTTP(w, r)
			return
		}
		for at, found := range index.Manifests {
			var manifest struct{ ArtifactType string }
			body := ask(inner, repository+"/manifests/"+found.Digest.String()).Body.Bytes()
			if json.Unmarshal(body, &manifest) == nil && manifest.ArtifactType != "" {
				index.Manifests[at].ArtifactType = manifest.ArtifactType
			}
		}
		w.Header().Set("Content-Type", answer.Header().Get("Content-Type"))
		_ = json.NewEncoder(w).Encode(index)
	})
}

func ask(inner http.Handler, path string) *httptest.ResponseRecorder {
	answer := httptest.NewRecorder()
	inner.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, nil))
	return answer
}
