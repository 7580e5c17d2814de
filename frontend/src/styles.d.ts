declare module "virtual:later.css";
