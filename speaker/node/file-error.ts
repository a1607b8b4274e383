// Says in a sentence for people why a file could not be opened.

const REASONS: Readonly<Record<string, (path: string) => string>> = {
  ENOENT: (path) => `There is no file or folder ${path}.`,
  ENOTDIR: (path) => `There is no file ${path}: a part of the path is not a folder.`,
  EISDIR: (path) => `${path} is a folder, not a file.`,
  EACCES: (path) => `You may not open ${path}.`,
  EPERM: (path) => `You may not open ${path}.`,
  EROFS: (path) => `${path} cannot be written: its file system is read-only.`,
  ENOSPC: (path) => `${path} cannot be written: the disk is full.`,
  ERR_FS_FILE_TOO_LARGE: (path) => `${path} is too large: at most 2 GiB are read.`,
};

/** `error` is what the file system threw. */
export function fileError(path: string, error: unknown): string {
  const { code = "", message } = error as NodeJS.ErrnoException;
  return REASONS[code]?.(path) ?? `${path} cannot be opened: ${message}`;
}
