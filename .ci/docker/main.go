// Checks docker-compose.yml as `docker compose config` does, with Compose's own
// loader, and the Dockerfile as `docker build --check` does, with BuildKit's own
// linter. Neither needs an engine or the network. A module of its own keeps their
// dependencies out of the product's.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/opencontainers/go-digest"
)

func main() {
	root := os.Args[1]
	if err := errors.Join(compose(root), dockerfile(filepath.Join(root, "Dockerfile"))); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// needed is what docker-compose.yml must ask for when it is not set.
var needed = []string{"POSTGRES_PASSWORD=p", "APP_PASSWORD=a", "SECRET_KEY=" + strings.Repeat("k", 32),
	"PUBLIC_URL=https://engine.example", "TWILIO_ACCOUNT_SID=AC0", "TWILIO_AUTH_TOKEN=t"}

func compose(root string) error {
	load := func(env []string) (*types.Project, error) {
		o, err := cli.NewProjectOptions([]string{filepath.Join(root, "docker-compose.yml")}, cli.WithWorkingDirectory(root),
			cli.WithEnv(env), cli.WithInterpolation(true), cli.WithConsistency(true))
		if err != nil {
			return nil, err
		}
		return o.LoadProject(context.Background())
	}
	for i, v := range needed {
		if _, err := load(append(append([]string{}, needed[:i]...), needed[i+1:]...)); err == nil {
			return fmt.Errorf("docker-compose.yml starts without %s", strings.SplitN(v, "=", 2)[0])
		}
	}
	p, err := load(needed)
	if err != nil {
		return fmt.Errorf("docker-compose.yml: %w", err)
	}
	for name, replicas := range map[string]int{"postgres": 1, "server": 1, "worker": 2} {
		s, err := p.GetService(name)
		if err != nil {
			return fmt.Errorf("docker-compose.yml: %w", err)
		}
		if s.GetScale() != replicas {
			return fmt.Errorf("docker-compose.yml: %d %s, want %d", s.GetScale(), name, replicas)
		}
		if s.Build != nil {
			if _, err := os.Stat(filepath.Join(s.Build.Context, s.Build.Dockerfile)); err != nil {
				return fmt.Errorf("docker-compose.yml: %w", err)
			}
		}
	}
	fmt.Println("docker-compose.yml:", strings.Join(p.ServiceNames(), ", "))
	return nil
}

// nowhere stands for the registry: the linter asks for the configuration of base images.
type nowhere struct{}

func (nowhere) ResolveImageConfig(_ context.Context, ref string,
	_ sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	config, err := json.Marshal(map[string]any{"architecture": "amd64", "os": "linux"})
	return ref, digest.FromString(ref), config, err
}

func dockerfile(path string) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	source := llb.NewSourceMap(nil, "Dockerfile", "Dockerfile", raw)
	source.Definition = &llb.Definition{} // of no build
	found, err := dockerfile2llb.DockerfileLint(context.Background(), raw, dockerfile2llb.ConvertOpt{
		MetaResolver: nowhere{}, SourceMap: source,
	})
	if err != nil {
		return err
	}
	if found.Error != nil {
		return fmt.Errorf("Dockerfile: %s", found.Error.Message)
	}
	for _, w := range found.Warnings {
		err = errors.Join(err, fmt.Errorf("Dockerfile:%d: %s: %s", w.Location.GetRanges()[0].GetStart().GetLine(),
			w.RuleName, w.Detail))
	}
	if err == nil {
		fmt.Println("Dockerfile: no warnings")
	}
	return err
}
