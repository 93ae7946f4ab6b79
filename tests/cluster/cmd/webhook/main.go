// A mutating admission webhook for the cluster's own tests: it labels every pod that it is asked about, as the injectors
// of meshes change pods, and says yes.
package main

import (
	"encoding/json"
	"log"
	"net/http"

	admission "k8s.io/api/admission/v1"
)

const patch = `[{"op": "add", "path": "/metadata/labels/mutated-by", "value": "test-webhook"}]`

func main() {
	http.HandleFunc("/ready", func(http.ResponseWriter, *http.Request) {})
	http.HandleFunc("/mutate", mutate)
	log.Fatal(http.ListenAndServeTLS(":8443", "/tls/tls.crt", "/tls/tls.key", nil))
}

func mutate(answer http.ResponseWriter, request *http.Request) {
	var review admission.AdmissionReview
	if err := json.NewDecoder(request.Body).Decode(&review); err != nil || review.Request == nil {
		http.Error(answer, "expected an AdmissionReview", http.StatusBadRequest)
		return
	}
	kind := admission.PatchTypeJSONPatch
	review.Response = &admission.AdmissionResponse{
		UID: review.Request.UID, Allowed: true, PatchType: &kind, Patch: []byte(patch),
	}
	log.Printf("%s pod %s/%s", review.Request.Operation, review.Request.Namespace, review.Request.Name)
	review.Request = nil
	answer.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(answer).Encode(review); err != nil {
		log.Print(err)
	}
}
