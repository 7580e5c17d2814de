# syntax=docker/dockerfile:1
FROM node:22-bookworm-slim AS spa
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
RUN npm ci --no-audit --no-fund --omit=optional
COPY frontend frontend
COPY graph/schema graph/schema
RUN npm run build

FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
COPY --from=spa /src/frontend/dist frontend/dist
RUN CGO_ENABLED=0 go build -trimpath -ldflags=-s -o /server ./server && mkdir -p /state/spool

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /server /server
# A volume that is mounted here is the server's own, see WEBHOOK_SPOOL.
COPY --from=build --chown=nonroot:nonroot /state /var/lib/eventstream
ENV LISTEN_ADDR=0.0.0.0:8080 DATA_DIR=/tmp/eventstream LOG_FORMAT=json
EXPOSE 8080
ENTRYPOINT ["/server"]
CMD ["serve"]
