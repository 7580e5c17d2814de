declare module "*.po" {
  const messages: (string | import("@lingui/message-utils/compileMessage").CompiledMessage)[];
  export default messages;
}
