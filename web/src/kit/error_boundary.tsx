import { Component, type ReactNode } from "react";
import { t } from "../text/en";
import { Button } from "./kit";

export class ErrorBoundary extends Component<{ children: ReactNode; where: string }, { error: Error | null; where: string }> {
  override state = { error: null as Error | null, where: this.props.where };
  static getDerivedStateFromError(error: Error) { return { error }; }
  // Another page is another try.
  static getDerivedStateFromProps(props: { where: string }, state: { where: string }) {
    return props.where === state.where ? null : { error: null, where: props.where };
  }
  override render() {
    if (!this.state.error) return this.props.children;
    return (
      <div className="empty" role="alert">
        <h2>{t.error.crash}</h2><p>{t.error.crashWhat}</p><pre>{this.state.error.message}</pre>
        <Button look="primary" onClick={() => location.reload()}>{t.error.reload}</Button>
      </div>
    );
  }
}
