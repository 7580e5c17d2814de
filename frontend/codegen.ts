import type { CodegenConfig } from "@graphql-codegen/cli";

const config: CodegenConfig = {
  schema: "graph/schema/*.graphql",
  documents: ["frontend/src/**/*.{ts,tsx}", "!frontend/src/gql/**"],
  generates: {
    "frontend/src/gql/": {
      preset: "client",
      presetConfig: {
        fragmentMasking: false,
        persistedDocuments: { hashAlgorithm: "sha256", mode: "embedHashInDocument" },
      },
      config: {
        useTypeImports: true,
        enumsAsTypes: true,
        scalars: {
          DateTime: "string",
          LocalTime: "string",
          PhoneNumber: "string",
          Int64: "number",
          JSON: "unknown",
          SegmentQuery: "unknown",
          Upload: "File",
        },
      },
    },
  },
};
export default config;
