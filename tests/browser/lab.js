// What the tests do inside JupyterLab and Notebook 7, through their own commands: clicking "Run All" was flaky.
// Needs expose_app_in_browser, which puts the application into `jupyterapp`.
globalThis.desk = (() => {
  const app = () => globalThis.jupyterapp;

  const panelOf = (path) => {
    for (const widget of app().shell.widgets("main")) {
      if (widget.context?.path === path) return widget;
    }
    return undefined;
  };

  const panel = (path) => {
    const found = panelOf(path);
    if (!found) throw new Error(`${path} is not open`);
    return found;
  };

  const kernel = (path) => panel(path).sessionContext.session.kernel;

  /** Until `signal` has brought `condition()` to true. */
  const until = (signal, condition) =>
    new Promise((resolve) => {
      const look = () => {
        if (!condition()) return;
        signal.disconnect(look);
        resolve();
      };
      signal.connect(look);
      look();
    });

  const kernelReady = async (path) => {
    await panel(path).sessionContext.ready;
    const connection = kernel(path);
    await connection.info;
    await until(connection.connectionStatusChanged, () => connection.connectionStatus === "connected");
  };

  const activate = (path, index) => {
    const { content } = panel(path);
    app().shell.activateById(panel(path).id);
    content.deselectAll();
    content.activeCellIndex = index;
  };

  return {
    /** Whether the application is there and all of its plugins have run. */
    started: async () => Boolean(app()) && (await app().restored, true),

    open: async (path) => {
      await app().commands.execute("docmanager:open", { path, factory: "Notebook" });
      await panel(path).context.ready;
      await kernelReady(path);
    },

    isOpen: (path) => panelOf(path) !== undefined,
    ready: async (path) => {
      await panel(path).context.ready;
      await kernelReady(path);
    },
    id: (path) => panel(path).id,
    selected: (path) => panel(path).content.selectedCells.length,
    /** What a key could change: the cells, the mode, the active cell and the prompts. */
    look: (path) => {
      const { content } = panel(path);
      const prompts = [...content.node.querySelectorAll(".jp-InputPrompt")].map((each) => each.textContent);
      const cells = content.widgets.map(({ model }) => [model.type, model.sharedModel.getSource()]);
      return [cells, content.mode, content.activeCellIndex, prompts];
    },
    activate,

    runAll: async (path) => {
      activate(path, 0);
      await app().commands.execute("notebook:run-all-cells");
    },

    run: async (path, index) => {
      activate(path, index);
      await app().commands.execute("notebook:run-cell");
    },

    /** Execute without a trace in the notebook; the repr of `expression` afterwards. */
    execute: async (path, code, expression) => {
      const future = kernel(path).requestExecute({
        code,
        silent: true,
        store_history: false,
        user_expressions: { value: expression },
      });
      const { content } = await future.done;
      const answer = content.status === "ok" ? content.user_expressions.value : content;
      if (answer.status !== "ok") throw new Error(`${answer.ename}: ${answer.evalue}`);
      return answer.data["text/plain"];
    },

    /**
     * Whether "model not found" stands in the notebook though the kernel has widgets. ipywidgets' manager looks for a
     * model every 100 ms for two seconds, and not at their end: one that is there only then is never shown.
     */
    missed: async (path) => {
      if (!panel(path).content.node.textContent.includes("Error displaying widget: model not found")) return false;
      const { content } = await kernel(path).requestCommInfo({ target_name: "jupyter.widget" });
      return Object.keys(content.comms).length > 0;
    },

    status: (path) => kernel(path).status,
    save: async (path) => await panel(path).context.save(),
    saveWithState: async (path) => {
      const toggle = "@jupyter-widgets/jupyterlab-manager:saveWidgetState";
      await app().commands.execute(toggle);
      await panel(path).context.save();
      await app().commands.execute(toggle);
    },

    /** Give the notebook something to save. */
    soil: (path) => {
      panel(path).context.model.dirty = true;
    },
    trusted: (path) => panel(path).content.model.cells.get(0).trusted,
    interrupt: async (path) => await kernel(path).interrupt(),

    restart: async (path) => {
      await panel(path).sessionContext.restartKernel();
      await kernelReady(path);
    },

    /** Close the notebook's view; the kernel goes on. */
    dismiss: (path) => panel(path).dispose(),

    close: async (path) => {
      if (!panelOf(path)) return;
      const { sessionContext } = panel(path);
      panel(path).dispose();
      await sessionContext.shutdown();
    },

    /** Shut every kernel of the server down, whoever started it. */
    stopKernels: async () => await app().serviceManager.sessions.shutdownAll(),

    theme: async (name) => await app().commands.execute("apputils:change-theme", { theme: name }),
  };
})();
