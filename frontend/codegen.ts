import type { CodegenConfig } from "@graphql-codegen/cli";
import { addTypenameSelectionDocumentTransform } from "@graphql-codegen/client-preset";

const config: CodegenConfig = {
  schema: "graph/schema/*.graphql",
  documents: ["frontend/src/**/*.{ts,tsx}", "!frontend/src/gql/**", "!frontend/src/**/*.test.{ts,tsx}"],
  generates: {
    "frontend/src/gql/": {
      preset: "client",
      // The cache needs the types of what comes back, and the server runs the
      // documents as they were generated.
      documentTransforms: [addTypenameSelectionDocumentTransform],
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
          LocalDate: "string",
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
