export { Compare } from "./Compare";
export { Lightbox } from "./Lightbox";
