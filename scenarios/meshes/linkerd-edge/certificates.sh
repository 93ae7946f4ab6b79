#!/bin/sh
# Prints Linkerd's trust anchor and issuer, made anew each time and good for a week:
# https://linkerd.io/2-edge/tasks/generate-certificates/
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

# key NAME: an elliptic key, the only kind Linkerd takes.
key() {
    openssl ecparam -name prime256v1 -genkey -noout -out "$1.key"
}

cat > extensions <<END
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
END

key anchor
openssl req -new -key anchor.key -subj /CN=root.linkerd.cluster.local -out anchor.csr
openssl x509 -req -in anchor.csr -signkey anchor.key -days 7 -extfile extensions -out anchor.crt 2> log || { cat log >&2; exit 1; }

key issuer
openssl req -new -key issuer.key -subj /CN=identity.linkerd.cluster.local -out issuer.csr
openssl x509 -req -in issuer.csr -CA anchor.crt -CAkey anchor.key -CAcreateserial -days 7 -extfile extensions \
    -out issuer.crt 2> log || { cat log >&2; exit 1; }

# encoded FILE: as a Secret holds it.
encoded() {
    base64 "$1" | tr -d '\n'
}

cat <<END
apiVersion: v1
kind: ConfigMap
metadata:
  name: linkerd-identity-trust-roots
data:
  ca-bundle.crt: |
$(sed 's/^/    /' anchor.crt)
---
apiVersion: v1
kind: Secret
metadata:
  name: linkerd-identity-issuer
type: kubernetes.io/tls
data:
  ca.crt: $(encoded anchor.crt)
  tls.crt: $(encoded issuer.crt)
  tls.key: $(encoded issuer.key)
END
