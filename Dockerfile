# The image of meshbench's own programs for whoever has Docker; `meshbench-testcluster image` makes the same without it:
# the programs, the libraries they are linked with, and nothing else.
#
#   docker build --tag localhost/meshbench:dev .

FROM rust:1.95-bookworm AS build
WORKDIR /source
COPY . .
RUN cargo build --locked --release --package meshbench --bins
WORKDIR /image
RUN mkdir -p usr/local/bin etc && mkdir -m 1777 tmp \
    && printf 'root:x:0:0:root:/:/none\nnobody:x:65532:65532:nobody:/:/none\n' > etc/passwd \
    && printf 'root:x:0:\nnobody:x:65532:\n' > etc/group \
    && printf 'hosts: files dns\n' > etc/nsswitch.conf \
    && for program in meshbench-emojivoto meshbench-load meshbench-sidecar; do \
           strip -o "usr/local/bin/$program" "/source/target/release/$program"; \
       done \
    && ldd usr/local/bin/* | grep -o '/[^ ]*\.so[^ ]*' | sort -u | xargs cp --dereference --parents --target-directory=.

FROM scratch
COPY --from=build /image /
ENV PATH=/usr/local/bin
USER 65532:65532
