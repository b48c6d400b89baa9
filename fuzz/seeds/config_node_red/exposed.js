// Settings
module.exports = {
  uiPort: process.env.PORT || 1880,
  flowFile: "flows.json",
  // adminAuth: { type: "credentials" },
  logging: { console: { level: 'trace', audit: false } },
  credentialSecret: "changeme",
  functionGlobalContext: { cp: require("child_process") },
};
