package dev.lockstep.torch;

import ai.djl.engine.Engine;

/** Which DJL and which libtorch this process computes with. */
public final class EngineVersions {
    private EngineVersions() {}

    public static String djl() {
        return Engine.getDjlVersion();
    }

    /** Loads libtorch where nothing has done so yet. */
    public static String libtorch() {
        return Engine.getEngine("PyTorch").getVersion();
    }
}
