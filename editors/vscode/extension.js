// Starts `golite lsp` and lets it answer for golite files.
const vscode = require("vscode");
const { LanguageClient } = require("vscode-languageclient/node");

let client;

function activate(context) {
  const settings = vscode.workspace.getConfiguration("golite");
  const command = settings.get("path");
  const documents = [{ scheme: "file", language: "golite" }];
  if (settings.get("goFiles")) {
    documents.push({ scheme: "file", language: "go" });
  }
  client = new LanguageClient(
    "golite",
    "golite",
    { command, args: ["lsp"] },
    { documentSelector: documents },
  );
  client.start();
  context.subscriptions.push(
    vscode.commands.registerCommand("golite.run", () => {
      const editor = vscode.window.activeTextEditor;
      if (!editor) {
        return;
      }
      editor.document.save().then(() => {
        const terminal = vscode.window.createTerminal({
          name: "golite",
          shellPath: command,
          shellArgs: ["run", editor.document.fileName],
        });
        terminal.show();
      });
    }),
  );
}

function deactivate() {
  return client ? client.stop() : undefined;
}

module.exports = { activate, deactivate };
