package dev.lockstep.host;

import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;

/** Why a file could not be read or written, in words; Java's exceptions often have no more than its name. */
public final class IoReason {
    private IoReason() {}

    public static String of(Exception e) {
        if (e instanceof AccessDeniedException) {
            return "permission denied";
        } else if (e instanceof NoSuchFileException) {
            return "there is no such file or directory";
        } else if (e instanceof NotDirectoryException) {
            return "it is not a directory";
        } else if (e instanceof FileAlreadyExistsException) {
            return "a file of that name is in its place";
        } else if (e instanceof FileSystemException file && file.getReason() != null) {
            return file.getReason();
        }
        return e.getMessage() == null ? e.toString() : e.getMessage();
    }
}
